// SPDX-License-Identifier: Apache-2.0
// What Amazon's documents say that an instance class accepts. Assumptions for planning: a live
// server's own word always wins. Pure look-ups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/count.hpp"

namespace headroom::budget {

// RDS and Aurora PostgreSQL: max_connections is LEAST(DBInstanceClassMemory / 9531392, 5000) unless
// a parameter group says otherwise; DBInstanceClassMemory is what the system and RDS leave of the
// nominal memory (seen: 198 connections with 2 GiB, 413 with 4, 856 with 8), assumed as 88 %.
inline constexpr std::uint64_t rds_bytes_per_connection = 9'531'392;
inline constexpr std::uint64_t rds_default_connections_max = 5'000;
inline constexpr std::string_view rds_source =
    "AWS: max_connections = LEAST(DBInstanceClassMemory/9531392, 5000), "
    "docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html";

struct rds_class {
    std::string name;                // "db.m6g.large"
    std::uint64_t memory_bytes = 0;  // nominal
    std::uint32_t vcpus = 0;
    connection_count max_connections;  // assumed
};

// Empty when it is none of the classes known here.
[[nodiscard]] std::optional<rds_class> find_rds_class(std::string_view name);
// The classes of one family ("db.m6g"), smallest first; empty when it is not known here.
[[nodiscard]] std::vector<rds_class> rds_family(std::string_view family);
// Of the same family, the smallest whose default is at least `wanted`; empty when none is.
[[nodiscard]] std::optional<rds_class> smallest_rds_class(std::string_view family,
                                                          connection_count wanted);

// ElastiCache: maxclients is 65,000 for each node and cannot be modified.
inline constexpr connection_count elasticache_maxclients{65'000};
inline constexpr std::string_view elasticache_source =
    "AWS: maxclients 65000, not modifiable, "
    "docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html";

struct elasticache_node {
    std::string name;                // "cache.t4g.small"
    std::uint64_t memory_bytes = 0;  // for data
    connection_count maxclients;     // assumed
};

[[nodiscard]] std::optional<elasticache_node> find_elasticache_node(std::string_view name);

}  // namespace headroom::budget
