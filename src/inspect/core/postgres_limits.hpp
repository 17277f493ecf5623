// SPDX-License-Identifier: Apache-2.0
// What a Postgres server accepts from us and how much of it is in use: three limits at once, the
// server's, the role's and the database's; the least room counts.
// https://www.postgresql.org/docs/15/runtime-config-connection.html
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "budget/verdict.hpp"

namespace headroom::inspect {

struct postgres_limits {
    std::string version;  // "15.20"
    std::string role;     // whom we asked as
    std::string database;
    bool is_superuser = false;  // then neither the role's nor the database's limit binds
    bool is_rds = false;        // it has rds.* settings
    bool is_replica = false;    // in recovery
    bool sees_all = false;      // superuser or pg_read_all_stats: no session is hidden from us
    std::uint64_t max_connections = 0;
    std::string max_connections_source;  // pg_settings.source: "configuration file", "command line"
    std::uint64_t reserved_superuser = 0;                 // superuser_reserved_connections
    std::optional<std::uint64_t> reserved_role = {};      // reserved_connections, since Postgres 16
    std::optional<std::uint64_t> reserved_provider = {};  // rds.rds_superuser_reserved_connections
    std::optional<std::uint64_t> role_limit = {};         // empty: none
    std::optional<std::uint64_t> database_limit = {};     // empty: none
    std::uint64_t shared_buffers_bytes = 0;
    std::uint64_t work_mem_bytes = 0;
    // Client sessions without our own one.
    std::uint64_t sessions = 0;
    std::uint64_t sessions_of_role = 0;
    std::uint64_t sessions_of_database = 0;
    std::map<std::string, std::uint64_t, std::less<>> by_state;

    [[nodiscard]] std::uint64_t reserved() const;
};

// One bound on the connections we may open.
struct postgres_bound {
    std::string_view name;  // "server", "role", "database"
    budget::limit limit;
};

// Those in force, the server's first.
[[nodiscard]] std::vector<postgres_bound> bounds_of(const postgres_limits& of);
// The one with the least room. It has a limit and a number in use.
[[nodiscard]] postgres_bound tightest(const postgres_limits& of);

}  // namespace headroom::inspect
