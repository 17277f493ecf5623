// SPDX-License-Identifier: Apache-2.0
#include "config/parse.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace headroom::config {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string seconds_text(std::chrono::milliseconds span) {
    return fmt::format("{}", static_cast<double>(span.count()) / 1000.0);
}

}  // namespace

std::string describe(number_range range) {
    return fmt::format("a whole number from {} to {}", range.min, range.max);
}

std::string describe(seconds_range range) {
    return fmt::format("seconds from {} to {}, such as 5 or 0.5", seconds_text(range.min),
                       seconds_text(range.max));
}

std::optional<std::uint64_t> parse_whole_number(std::string_view text, number_range range) {
    if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
    std::uint64_t number = 0;
    const auto [stopped, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || number < range.min || number > range.max) return std::nullopt;
    return number;
}

std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text, seconds_range range) {
    const std::size_t point = text.find('.');
    const auto whole = parse_whole_number(text.substr(0, point), {.min = 0, .max = 1'000'000});
    if (!whole) return std::nullopt;

    std::uint64_t thousandths = 0;
    if (point != std::string_view::npos) {
        std::string places(text.substr(point + 1));
        if (places.empty() || places.size() > 3) return std::nullopt;
        places.resize(3, '0');
        const auto parsed = parse_whole_number(places, {.min = 0, .max = 999});
        if (!parsed) return std::nullopt;
        thousandths = *parsed;
    }
    const std::chrono::milliseconds span(*whole * 1000 + thousandths);
    if (span < range.min || span > range.max) return std::nullopt;
    return span;
}

std::optional<bool> parse_flag(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    constexpr std::array<std::string_view, 4> yes{"true", "yes", "on", "1"};
    constexpr std::array<std::string_view, 4> no{"false", "no", "off", "0"};
    if (std::ranges::find(yes, lower) != yes.end()) return true;
    if (std::ranges::find(no, lower) != no.end()) return false;
    return std::nullopt;
}

bool is_plain_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
    });
}

bool is_ip_address(const std::string& text) {
    in6_addr parsed{};
    return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    if (text.empty()) return parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

}  // namespace headroom::config
