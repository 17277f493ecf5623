// SPDX-License-Identifier: Apache-2.0
// Does a demand fit what a server accepts? The server's numbers come from outside; nothing is asked
// here.
#pragma once

#include <optional>
#include <string_view>

#include "base/count.hpp"
#include "budget/demand.hpp"

namespace headroom::budget {

// What a server accepts, as far as it is known.
struct limit {
    std::optional<connection_count> server = {};  // max_connections, maxclients; empty: not known
    connection_count reserved_superuser{0};       // superuser_reserved_connections
    connection_count reserved_provider{0};  // rds.rds_superuser_reserved_connections and the like
    std::optional<connection_count> in_use = {};  // now; empty: not known
};

// limit - reserved, never below zero. Empty when the limit is not known.
[[nodiscard]] std::optional<connection_count> usable(const limit& of);
// usable - in use now, never below zero. Empty when either is not known.
[[nodiscard]] std::optional<connection_count> free_now(const limit& of);

enum class verdict { fits, tight, exceeds, unbounded, unknown };

// The spelling used in text, metrics and logs.
[[nodiscard]] std::string_view to_string(verdict of);

// Tight: fits, but leaves less than a tenth of what is usable.
inline constexpr std::uint64_t tight_part = 10;
[[nodiscard]] verdict judge(amount demand, const limit& against);

}  // namespace headroom::budget
