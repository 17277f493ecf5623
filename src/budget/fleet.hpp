// SPDX-License-Identifier: Apache-2.0
// The question put to the budget: how many processes there are, and what each may open.
// The answer is in demand.hpp; no server is asked anything here.
#pragma once

#include <optional>

#include "base/count.hpp"

namespace headroom::budget {

struct fleet {
    instance_count instances{1};
    worker_count workers_per_instance{1};

    std::optional<connection_count> redis_connections_max =
        {};                           // of each Redis pool; empty: unbounded
    connection_count pg_pool_max{0};  // of the Postgres pool of a process

    // Executors are processes beside the workers; one that emits has one connection.
    connection_count executors_per_worker{0};  // running at the same time
    // Of the whole fleet at the same time, where somebody knows it: then no other is counted.
    std::optional<connection_count> emitting_executors = {};
    bool sentinel = false;  // every process has one connection more, to one of the sentinels

    // Terms that are forgotten until the deploy at the wrong hour.
    instance_count surge{0};  // instances of the new version beside the old ones, while rolling
    connection_count pg_migrations{0};  // sessions of migrations and batch jobs
    connection_count pg_operators{0};   // people with psql, dashboards, the operator's tool
    connection_count redis_operators{0};
    connection_count redis_replicas{0};  // links of replicas count as clients after a failover
    connection_count redis_others{0};    // of other services and of tools, counted now
    connection_count pg_others{0};       // the same
};

}  // namespace headroom::budget
