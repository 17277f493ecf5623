// SPDX-License-Identifier: Apache-2.0
// A plan judged: what the fleet can open on each server at most, whether that fits, and how far
// each setting can grow. Asks nobody, prints nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "budget/demand.hpp"
#include "budget/verdict.hpp"
#include "headroom/plan/plan_fleet.hpp"
#include "headroom/plan/plan_servers.hpp"
#include "headroom/show/finding.hpp"

namespace headroom::tool {

// The largest of each that fits, the others held; empty: not even the least does.
struct largest_fit {
    std::optional<std::uint64_t> pool_max;  // REDIS_MAX_CONNECTIONS, PGPOOL_MAX_SIZE
    std::optional<std::uint64_t> instances;
    std::optional<std::uint64_t> workers;
};

struct server_plan {
    std::string_view name;     // "Redis"
    std::string_view setting;  // "REDIS_MAX_CONNECTIONS"
    planned_server seen;
    budget::demand demand;
    budget::verdict how = budget::verdict::unknown;
    largest_fit largest;
    std::vector<finding> findings;
};

struct plan {
    planned_fleet fleet;
    server_plan redis;
    server_plan postgres;
    std::vector<finding> notes;  // about the fleet

    [[nodiscard]] level worst() const;
};

[[nodiscard]] plan make_plan(planned_fleet fleet, planned_server redis, planned_server postgres,
                             std::vector<finding> notes);

}  // namespace headroom::tool
