// SPDX-License-Identifier: Apache-2.0
// How many connections a Postgres server can work on at the same time. More than these wait for
// each other inside the server instead of in our pools, where they could be seen and bounded.
#pragma once

#include <optional>
#include <string_view>

#include "base/count.hpp"

namespace headroom::budget {

using core_count = count<struct core_count_tag>;

inline constexpr std::string_view cores_source =
    "github.com/brettwooldridge/HikariCP/wiki/About-Pool-Sizing";

// 2 x cores + 1 spindle. Empty when it does not fit a number.
[[nodiscard]] constexpr std::optional<connection_count> useful_connections(core_count cores) {
    constexpr count<struct each_tag> connections_of_a_core{2};
    constexpr connection_count spindle{1};
    const auto busy = multiply(connections_of_a_core, connection_count(cores.value()));
    return busy ? add(*busy, spindle) : std::nullopt;
}

}  // namespace headroom::budget
