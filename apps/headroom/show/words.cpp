// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/words.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace headroom::tool {

std::string to_words(std::chrono::seconds time) {
    const auto all = time.count();
    if (all < 60) return fmt::format("{}s", all);
    const auto two = [](auto whole, char unit, auto part, char part_unit) {
        if (part == 0) return fmt::format("{}{}", whole, unit);
        return fmt::format("{}{} {:02}{}", whole, unit, part, part_unit);
    };
    if (all < 3600) return two(all / 60, 'm', all % 60, 's');
    if (all < 86400) return two(all / 3600, 'h', all % 3600 / 60, 'm');
    return two(all / 86400, 'd', all % 86400 / 3600, 'h');
}

std::string to_short_words(std::chrono::seconds time) {
    const auto all = time.count();
    if (all < 60) return fmt::format("{}s", all);
    if (all < 3600) return fmt::format("{}m", all / 60);
    if (all < 86400) return fmt::format("{}h", all / 3600);
    return fmt::format("{}d", all / 86400);
}

std::string bytes_to_words(std::uint64_t bytes) {
    if (bytes == 0) return "0";
    if (bytes < 1024) return fmt::format("{} B", bytes);
    constexpr std::array<std::string_view, 5> units{"KB", "MB", "GB", "TB", "PB"};
    double amount = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (amount >= 1024 && unit + 1 < units.size()) {
        amount /= 1024;
        ++unit;
    }
    const bool is_whole =
        amount >= 100 || amount == static_cast<double>(static_cast<std::uint64_t>(amount));
    return is_whole ? fmt::format("{:.0f} {}", amount, units[unit])
                    : fmt::format("{:.1f} {}", amount, units[unit]);
}

std::string bar(unsigned percent_used, std::size_t columns) {
    const auto inside = std::max<std::size_t>(columns, 3) - 2;
    const auto filled = std::min(inside, (percent_used * inside + 99) / 100);
    return fmt::format("[{}{}]", std::string(filled, '#'), std::string(inside - filled, '.'));
}

std::string count_of(std::uint64_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace headroom::tool
