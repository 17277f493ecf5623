// SPDX-License-Identifier: Apache-2.0
// Numbers as an operator reads them: "3m 12s", "1.5 MB".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::tool {

// Two parts at most: "45s", "3m 12s", "2h 05m", "9d 03h".
[[nodiscard]] std::string to_words(std::chrono::seconds time);
// One part: "45s", "3m", "2h", "9d".
[[nodiscard]] std::string to_short_words(std::chrono::seconds time);
// "0", "812 B", "1.5 KB", "128 MB"; 1024 to the next.
[[nodiscard]] std::string bytes_to_words(std::uint64_t bytes);
// "[########............]" for 40 of 100: what is begun is filled; so many columns in all.
[[nodiscard]] std::string bar(unsigned percent_used, std::size_t columns = 22);
// "1 worker", "2 workers".
[[nodiscard]] std::string count_of(std::uint64_t count, std::string_view thing);

}  // namespace headroom::tool
