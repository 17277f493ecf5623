// SPDX-License-Identifier: Apache-2.0
#include "chat/core/text_cut.hpp"

namespace headroom::chat {

namespace {
bool continues(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}
bool is_blank_or_control(char c) {
    return static_cast<unsigned char>(c) <= 0x20U || c == 0x7F;
}
}  // namespace

std::string_view prefix_of_bytes(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    while (bytes_max > 0 && continues(text[bytes_max]))
        --bytes_max;
    return text.substr(0, bytes_max);
}

std::string title_of(std::string_view text, std::size_t chars_max) {
    std::string title;
    std::size_t chars = 0;
    bool has_blank = false;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at + 1;
        while (end < text.size() && continues(text[end]))
            ++end;
        if (is_blank_or_control(text[at])) {
            has_blank = !title.empty();
        } else {
            if (chars + (has_blank ? 2 : 1) > chars_max) return title + "…";
            if (has_blank) title += ' ';
            chars += has_blank ? 2 : 1;
            has_blank = false;
            title += text.substr(at, end - at);
        }
        at = end;
    }
    return title.empty() ? "New conversation" : title;
}

}  // namespace headroom::chat
