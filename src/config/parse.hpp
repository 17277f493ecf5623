// SPDX-License-Identifier: Apache-2.0
// One text to one value, strictly: no spaces, no signs, no units, nothing left over. Knows no
// variable.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::config {

struct number_range {
    std::uint64_t min = 0;
    std::uint64_t max = 0;
};

struct seconds_range {
    std::chrono::milliseconds min;
    std::chrono::milliseconds max;
};

// What the parsers below accept, for faults: "a whole number from 1 to 512".
[[nodiscard]] std::string describe(number_range range);
[[nodiscard]] std::string describe(seconds_range range);

[[nodiscard]] std::optional<std::uint64_t> parse_whole_number(std::string_view text,
                                                              number_range range);

// "2", "0.5": at most three decimal places.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text,
                                                                     seconds_range range);

// true, yes, on, 1 and false, no, off, 0, in any case.
[[nodiscard]] std::optional<bool> parse_flag(std::string_view text);

// 1 to 64 of letters, digits, '_', '-', '.': safe inside a key, a channel, a path.
[[nodiscard]] bool is_plain_name(std::string_view text);
inline constexpr std::string_view plain_name_description = "1 to 64 letters, digits, '_', '-', '.'";

// An IPv4 or IPv6 address without brackets.
[[nodiscard]] bool is_ip_address(const std::string& text);

// Between separators; an empty text has no parts, "a,,b" has three.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace headroom::config
