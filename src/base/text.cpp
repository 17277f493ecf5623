// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <algorithm>
#include <cstdint>

namespace headroom {
namespace {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Bytes of the well-formed character at the front (RFC 3629, section 4), or 0 when there is none.
std::size_t character_bytes(std::string_view bytes) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    const auto tail = [&](std::size_t i) { return i < bytes.size() && (at(i) & 0xC0U) == 0x80U; };
    const auto second = [&](std::uint8_t low, std::uint8_t high) {
        return bytes.size() > 1 && at(1) >= low && at(1) <= high;
    };

    const std::uint8_t lead = at(0);
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;  // a tail byte, or an overlong form of ASCII
    if (lead < 0xE0) return tail(1) ? 2 : 0;
    if (lead < 0xF0) {
        const std::uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;   // shorter would be overlong
        const std::uint8_t high = lead == 0xED ? 0x9F : 0xBF;  // higher would be a surrogate
        return second(low, high) && tail(2) ? 3 : 0;
    }
    if (lead < 0xF5) {
        const std::uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
        const std::uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;  // higher is above U+10FFFF
        return second(low, high) && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

// RFC 3986, section 3.1; "user:pw" is none.
bool is_scheme(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '+' ||
               c == '-' || c == '.';
    });
}

// "host", "host:6379", "[::1]:6379", "a:1,b:2", but not ":word" or "user:word".
bool is_plain_authority(std::string_view authority) {
    if (authority.empty()) return true;
    const std::size_t after_brackets = authority.rfind(']');
    const std::size_t from = after_brackets == std::string_view::npos ? 0 : after_brackets;
    const std::size_t colon = authority.find(':', from);
    if (colon == std::string_view::npos) return true;
    if (colon == 0) return false;
    return std::ranges::all_of(authority.substr(colon + 1), is_digit);
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t length = character_bytes(bytes);
        if (length == 0) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

bool is_visible_ascii(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; });
}

std::string to_hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const std::byte b : bytes) {
        hex += digits[std::to_integer<std::size_t>(b >> 4)];
        hex += digits[std::to_integer<std::size_t>(b & std::byte{0xF})];
    }
    return hex;
}

std::string mask_url(std::string_view url) {
    std::string masked;
    const std::size_t scheme = url.find("://");
    if (scheme != std::string_view::npos && is_scheme(url.substr(0, scheme))) {
        masked = url.substr(0, scheme + 3);
        url.remove_prefix(scheme + 3);
    }
    if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
        masked += "***@";
        url.remove_prefix(at + 1);
    }
    const std::string_view before_query = url.substr(0, url.find_first_of("?#"));
    const std::size_t slash = before_query.find('/');
    if (is_plain_authority(before_query.substr(0, slash))) {
        masked += before_query;
    } else {
        masked += "***";
    }
    if (before_query.size() != url.size()) masked += "?***";
    return masked;
}

std::string printable_excerpt(std::string_view text, std::size_t bytes_max) {
    std::string shown;
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(character_bytes(text), 1);
        if (shown.size() + length > bytes_max) return shown + "...";
        const auto lead = static_cast<std::uint8_t>(text.front());
        const bool unprintable = lead < 0x20 || lead == 0x7F || (lead >= 0x80 && length == 1);
        const bool is_c1_control = lead == 0xC2 && static_cast<std::uint8_t>(text[1]) < 0xA0;
        shown += unprintable || is_c1_control ? std::string_view("?") : text.substr(0, length);
        text.remove_prefix(length);
    }
    return shown;
}

}  // namespace headroom
