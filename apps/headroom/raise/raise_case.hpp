// SPDX-License-Identifier: Apache-2.0
// One limit that somebody wants raised: what it is now, what a higher one needs, the steps. Made of
// the options and of what the server tells; changes nothing.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "headroom/ask/query_options.hpp"
#include "headroom/ask/servers.hpp"
#include "headroom/raise/raise_memory.hpp"
#include "headroom/raise/raise_steps.hpp"
#include "headroom/show/finding.hpp"

namespace headroom::tool {

struct raise_options {
    query_options query;
    std::optional<std::uint64_t> to;
    std::string rds;  // an instance's identifier; empty: not RDS
    std::string rds_class;
    std::string replication_group;
    std::string cache_cluster;
    std::string node_type;
    aws_access aws;
    bool is_applied = false;
    bool is_confirmed = false;  // --yes
    bool may_reboot = false;
    unsigned wait_seconds = 900;
    double aws_timeout_seconds = 60;
};

enum class raise_target : std::uint8_t {
    rds,
    elasticache_group,
    elasticache_cluster,
    self_managed,
    chatd,  // a server that chatd brought itself
};

// "rds", "elasticache_replication_group", ...
[[nodiscard]] std::string_view to_string(raise_target of);

struct raise_case {
    std::string server;     // "Postgres", "Redis"
    std::string parameter;  // "max_connections", "maxclients"
    raise_target target = raise_target::self_managed;
    std::string id;  // what Amazon calls it; may be empty
    std::string address;
    std::optional<std::uint64_t> wanted;

    std::string now_heading;
    std::vector<fact> now;  // empty: not known
    boost::json::value limit_now;
    memory_need memory;

    std::vector<step> steps;
    std::vector<step> steps_if_default_group;  // instead of those
    std::vector<std::string> notes;
    std::vector<finding> findings;
    // A higher value is there already, or no step can give it: --apply has nothing to do.
    bool is_settled = false;
};

// The error is for people, and means that it is not known what to raise.
[[nodiscard]] std::expected<raise_case, std::string> postgres_case(const raise_options& how,
                                                                   const servers& at);
[[nodiscard]] std::expected<raise_case, std::string> redis_case(const raise_options& how,
                                                                const servers& at);

}  // namespace headroom::tool
