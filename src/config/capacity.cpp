// SPDX-License-Identifier: Apache-2.0
#include "config/capacity.hpp"

#include <algorithm>

#include "budget/demand.hpp"

namespace headroom::config {
namespace {

// Standard streams, listeners, the supervisor's socket, log files, epoll and its kin.
constexpr std::uint64_t fixed_files = 32;
// libpq's own descriptor and the duplicate that the event loop watches.
constexpr std::uint64_t files_per_postgres_connection = 2;
// Standard input, output and error of a child, and what watches its end.
constexpr std::uint64_t files_per_executor = 4;
// Requests that are no streams, on the public listener and at the same time.
constexpr std::uint64_t short_requests = 256;

}  // namespace

bool names_code(const settings& from) {
    return std::ranges::find(from.bundles, code_bundle) != from.bundles.end();
}

connection_count executors_per_worker(const settings& from) {
    const bool runs_turns = from.role != service_role::ingress;
    return names_code(from) && runs_turns ? from.executor.running_max : connection_count(0);
}

budget::fleet fleet_of(const settings& from, instance_count instances) {
    return {.instances = instances,
            .workers_per_instance = from.capacity.processes_per_instance,
            .redis_connections_max = from.redis.connections_max,
            .pg_pool_max = from.postgres.pool_max,
            .executors_per_worker = executors_per_worker(from),
            .sentinel = std::holds_alternative<sentinel_address>(from.redis.address)};
}

open_files_need open_files_needed(const settings& from) {
    const std::uint64_t redis_pool =
        from.redis.connections_max ? from.redis.connections_max->value() : unbounded_pool_allowance;
    open_files_need need;
    need.terms = {
        {"redis connections", budget::redis_pools_per_process.value() * redis_pool},
        {"postgres connections", files_per_postgres_connection * from.postgres.pool_max.value()},
        {"streams", from.limits.max_sse_connections_per_instance},
        {"short requests", short_requests},
        {"fixed", fixed_files},
    };
    if (std::holds_alternative<sentinel_address>(from.redis.address)) {
        need.terms.push_back({"sentinel", 1});
    }
    const std::uint64_t executors = executors_per_worker(from).value();
    if (executors > 0) need.terms.push_back({"executors", files_per_executor * executors});
    for (const open_files_term& one : need.terms)
        need.total += one.count;
    return need;
}

}  // namespace headroom::config
