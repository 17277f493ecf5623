// SPDX-License-Identifier: Apache-2.0
#include "chat/core/utf8_repair.hpp"

namespace headroom::chat {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

}  // namespace

// The rows of Table 3-7 of the Unicode Standard, "Well-Formed UTF-8 Byte Sequences".
bool utf8_repair::begin(std::uint8_t lead) {
    low_ = 0x80;
    high_ = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        missing_ = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        missing_ = 2;
        if (lead == 0xE0) low_ = 0xA0;
        if (lead == 0xED) high_ = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        missing_ = 3;
        if (lead == 0xF0) low_ = 0x90;
        if (lead == 0xF4) high_ = 0x8F;
    } else {
        return false;
    }
    held_[0] = static_cast<char>(lead);
    held_bytes_ = 1;
    return true;
}

void utf8_repair::push(std::string_view bytes, std::string& to) {
    for (const char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (held_bytes_ > 0) {
            if (byte >= low_ && byte <= high_) {
                held_[held_bytes_++] = c;
                low_ = 0x80;
                high_ = 0xBF;
                if (--missing_ > 0) continue;
                to.append(held_.data(), held_bytes_);
                held_bytes_ = 0;
                continue;
            }
            finish(to);
        }
        if (byte < 0x80) {
            to += c;
        } else if (!begin(byte)) {
            to += replacement;
        }
    }
}

void utf8_repair::finish(std::string& to) {
    if (held_bytes_ > 0) to += replacement;
    held_bytes_ = 0;
}

std::string well_formed(std::string_view bytes) {
    utf8_repair repair;
    std::string text;
    text.reserve(bytes.size());
    repair.push(bytes, text);
    repair.finish(text);
    return text;
}

}  // namespace headroom::chat
