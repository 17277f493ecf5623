// SPDX-License-Identifier: Apache-2.0
#include "chat/core/request_rules.hpp"

#include <algorithm>

namespace headroom::chat {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool is_stream_id(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
        return is_digit(c) || is_letter(c) || c == '_' || c == '-' || c == '.';
    });
}

bool is_conversation_id(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool is_dash = at == 8 || at == 13 || at == 18 || at == 23;
        const bool fits =
            is_dash ? text[at] == '-' : is_digit(text[at]) || (text[at] >= 'a' && text[at] <= 'f');
        if (!fits) return false;
    }
    return true;
}

std::uint64_t count_code_points(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace headroom::chat
