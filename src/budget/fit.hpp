// SPDX-License-Identifier: Apache-2.0
// How far a fleet can grow: the largest value of one setting, the others held, with which its
// demand still fits a limit. Pure functions.
#pragma once

#include <optional>

#include "base/count.hpp"
#include "budget/demand.hpp"
#include "budget/fleet.hpp"
#include "budget/verdict.hpp"

namespace headroom::budget {

// Of which server: redis_demand or postgres_demand.
using demand_function = demand (*)(const fleet&);

// All are exact: the demand fits at the answer and exceeds at one more. Empty when not even the
// least fits, when the limit is not known, and when the demand does not grow with the setting.
[[nodiscard]] std::optional<connection_count> largest_redis_connections_max(
    const fleet& of, const limit& within, connection_count least = connection_count(1));
[[nodiscard]] std::optional<connection_count> largest_pg_pool_max(const fleet& of,
                                                                  const limit& within);
[[nodiscard]] std::optional<instance_count> largest_instances(const fleet& of, const limit& within,
                                                              demand_function on);
[[nodiscard]] std::optional<worker_count> largest_workers_per_instance(const fleet& of,
                                                                       const limit& within,
                                                                       demand_function on);

}  // namespace headroom::budget
