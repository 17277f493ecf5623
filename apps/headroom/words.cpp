// SPDX-License-Identifier: Apache-2.0
#include "headroom/words.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace headroom::tool {

std::string to_words(std::chrono::seconds time) {
    const auto all = time.count();
    if (all < 60) return fmt::format("{}s", all);
    if (all < 3600) return fmt::format("{}m {:02}s", all / 60, all % 60);
    if (all < 86400) return fmt::format("{}h {:02}m", all / 3600, all % 3600 / 60);
    return fmt::format("{}d {:02}h", all / 86400, all % 86400 / 3600);
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

std::string count_of(std::uint64_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace headroom::tool
