// SPDX-License-Identifier: Apache-2.0
// The steps that raise a limit, as values: what is printed is what is run. Pure; runs nothing, asks
// nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/core/postgres_limits.hpp"

namespace headroom::tool {

// What a step does to the server. A restart ends every connection for a while.
enum class effect : std::uint8_t { looks, changes, restarts };

[[nodiscard]] std::string_view to_string(effect of);

struct step {
    std::string title;
    std::vector<std::string> command;  // every argument; empty: done by hand, as the note says
    effect does = effect::changes;
    std::string note;  // may be empty

    bool operator==(const step&) const = default;
};

// A command as a shell takes it, broken between options so that lines fit the width; all but the
// first are indented.
[[nodiscard]] std::string to_shell(const std::vector<std::string>& command, std::size_t width,
                                   std::size_t indent);

// --- aws -----------------------------------------------------------------------------------------

// Passed on to every call of the aws program; what is empty is left to its own configuration.
struct aws_access {
    std::string region = {};
    std::string profile = {};
    std::string endpoint_url = {};
};

[[nodiscard]] step caller_look(const aws_access& with);

// Names stand for what is not known while printing.
inline constexpr std::string_view unknown_instance = "INSTANCE";
inline constexpr std::string_view unknown_group = "GROUP";
inline constexpr std::string_view unknown_family = "FAMILY";
inline constexpr std::string_view default_group_prefix = "default.";

struct rds_names {
    std::string instance{unknown_instance};
    std::string group{unknown_group};
    std::string family{unknown_family};  // of parameter groups: "postgres15"
};

// All instances of the region with all that is told of them: ours, and who shares its group.
[[nodiscard]] step rds_instances_look(const aws_access& with);
[[nodiscard]] step rds_instance_look(const rds_names& of, const aws_access& with);
[[nodiscard]] step rds_parameter_look(const rds_names& of, const aws_access& with);

[[nodiscard]] step rds_find_group(const rds_names& of, const aws_access& with);
[[nodiscard]] step rds_set_parameter(const rds_names& of, std::uint64_t wanted,
                                     const aws_access& with);
[[nodiscard]] step rds_reboot(const rds_names& of, const aws_access& with);

// Find the group, set the parameter in it, reboot.
[[nodiscard]] std::vector<step> rds_steps(const rds_names& of, std::uint64_t wanted,
                                          const aws_access& with);
// For an instance on a default.* group, which cannot be edited: make a group, set the parameter,
// attach it, reboot.
[[nodiscard]] std::vector<step> rds_own_group_steps(const rds_names& of, std::uint64_t wanted,
                                                    const aws_access& with);

enum class cache_kind : std::uint8_t { replication_group, cluster };

struct cache_names {
    cache_kind kind = cache_kind::replication_group;
    std::string id{"ID"};
    std::string node_type{"NODE_TYPE"};  // the wanted one
};

[[nodiscard]] step cache_look(const cache_names& of, const aws_access& with);
[[nodiscard]] step cache_scale(const cache_names& of, const aws_access& with);
// See the present node type, scale to the wanted one.
[[nodiscard]] std::vector<step> cache_steps(const cache_names& of, const aws_access& with);

// --- servers that somebody runs himself ----------------------------------------------------------

struct psql_access {
    std::string host = {};  // empty: psql's default
    std::string port = {};  // empty: psql's default
    std::string superuser = "postgres";
};

// ALTER SYSTEM and a restart, with a look at the system before and at the value after.
[[nodiscard]] std::vector<step> postgres_steps(const psql_access& to, std::string_view version,
                                               std::uint64_t wanted);
// Lifts the role's and the database's CONNECTION LIMIT where they are below what is wanted.
[[nodiscard]] std::vector<step> connection_limit_steps(const psql_access& to,
                                                       const inspect::postgres_limits& told,
                                                       std::uint64_t wanted);

struct redis_cli_access {
    std::string socket = {};  // empty: host and port
    std::string host = {};
    std::string port = {};
    std::string user = {};
};

// Redis keeps so many files for itself: it needs maxclients and these.
inline constexpr std::uint64_t redis_files_reserved = 32;

[[nodiscard]] std::vector<step> redis_steps(const redis_cli_access& to, std::uint64_t wanted);

}  // namespace headroom::tool
