// SPDX-License-Identifier: Apache-2.0
// What a plan is held against: the limit of each server, stated, assumed from Amazon's documents,
// or asked; and who beside our service holds connections there now.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "budget/cores.hpp"
#include "budget/verdict.hpp"
#include "headroom/ask/servers.hpp"
#include "headroom/plan/plan_fleet.hpp"
#include "headroom/show/finding.hpp"

namespace CLI {
class App;
}

namespace headroom::tool {

struct limit_flags {
    std::optional<std::uint64_t> redis_maxclients;
    std::string elasticache_node;  // empty: not given
    std::optional<std::uint64_t> pg_max_connections;
    std::optional<std::uint64_t> pg_reserved;
    std::string rds_class;  // empty: not given
    std::optional<std::uint64_t> pg_cores;
    bool is_offline = false;  // asks nobody

    void add_to(CLI::App& command);
};

struct planned_limit {
    budget::limit limit;
    std::string source;           // "--redis-maxclients", "INFO clients"; empty: not known
    std::string reserved_source;  // what is kept from us, and for whom
    std::string assumption;       // whose word an assumed limit is; empty: it is not assumed
};

struct planned_cores {
    budget::core_count cores;
    std::string source;
};

// Connections on one server now.
struct census {
    bool is_counted = false;
    std::uint64_t others = 0;         // not of our service; without replicas
    std::uint64_t replicas = 0;       // of Redis
    std::set<std::string> instances;  // of our service
};

struct planned_server {
    std::optional<std::string> where;  // empty: no server is named
    planned_limit limit;
    census held;
    std::optional<planned_cores> cores;  // of Postgres
    std::vector<finding> findings;       // why something is not known
};

// Without a place nobody is asked.
[[nodiscard]] planned_server look_at_redis(const std::optional<redis_place>& at,
                                           const limit_flags& flags, const std::string& service,
                                           deadline by);
[[nodiscard]] planned_server look_at_postgres(const std::optional<postgres_place>& at,
                                              const limit_flags& flags, const std::string& service,
                                              deadline by);

// The terms of others, and what no flag gave but the servers see: instances and replicas.
void add_census(planned_fleet& to, const planned_server& redis, const planned_server& postgres);

}  // namespace headroom::tool
