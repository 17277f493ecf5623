// SPDX-License-Identifier: Apache-2.0
#include "headroom/plan/plan_servers.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "budget/instance_classes.hpp"
#include "headroom/ask/asked.hpp"
#include "inspect/own_name.hpp"

namespace headroom::tool {
namespace {

// max_connections of Postgres is less than 2^18 (MAX_BACKENDS), maxclients of Redis less than 2^32.
constexpr std::uint64_t postgres_connections_max = 262'143;
constexpr std::uint64_t redis_connections_max = 4'294'967'295;
constexpr std::uint64_t cores_max = 100'000;
// The defaults where only max_connections is known: superuser_reserved_connections, and
// rds.rds_superuser_reserved_connections.
constexpr connection_count superuser_reserved_default{3};
constexpr connection_count rds_reserved_default{2};
constexpr const char* uncounted_advice =
    "The connections of others are not in the sum. --offline asks nobody";

// Faults as CLI11 wants them: a text, empty when there is none.
std::string check_rds_class(const std::string& name) {
    if (budget::find_rds_class(name)) return {};
    return fmt::format(
        "{} is no class known here (db.t4g.medium, db.m6g.large and the like are); "
        "state --pg-max-connections instead",
        printable_excerpt(name, 40));
}

std::string check_elasticache_node(const std::string& name) {
    if (budget::find_elasticache_node(name)) return {};
    return fmt::format(
        "{} is no node type known here (cache.t4g.small, cache.m6g.large and the "
        "like are); state --redis-maxclients instead",
        printable_excerpt(name, 40));
}

std::optional<planned_limit> stated_for_redis(const limit_flags& flags) {
    if (flags.redis_maxclients) {
        return planned_limit{.limit = {.server = connection_count(*flags.redis_maxclients)},
                             .source = "--redis-maxclients",
                             .reserved_source = "nothing is reserved",
                             .assumption = {}};
    }
    const auto node = budget::find_elasticache_node(flags.elasticache_node);
    if (!node) return std::nullopt;
    return planned_limit{.limit = {.server = node->maxclients},
                         .source = node->name + ", assumed",
                         .reserved_source = "nothing is reserved",
                         .assumption = std::string(budget::elasticache_source)};
}

planned_limit told_by_redis(const inspect::redis_limits& told) {
    planned_limit known{.limit = told.as_budget_limit(),
                        .source = fmt::format("maxclients, from {}", to_string(told.source)),
                        .reserved_source = "nothing is reserved",
                        .assumption = {}};
    if (known.limit.server) return known;
    known.source.clear();
    if (told.is_elasticache()) {
        known.limit.server = budget::elasticache_maxclients;
        known.source = "ElastiCache, assumed";
        known.assumption = std::string(budget::elasticache_source);
    }
    return known;
}

std::optional<planned_limit> stated_for_postgres(const limit_flags& flags) {
    const auto rds = budget::find_rds_class(flags.rds_class);
    if (!flags.pg_max_connections && !rds) return std::nullopt;
    planned_limit known{.limit = {.reserved_superuser = superuser_reserved_default},
                        .source = "--pg-max-connections",
                        .reserved_source = "3 are reserved for superusers by default",
                        .assumption = {}};
    if (rds) {
        known.limit.reserved_provider = rds_reserved_default;
        known.reserved_source = "3 and 2 are reserved by default on RDS";
    }
    if (flags.pg_max_connections) {
        known.limit.server = connection_count(*flags.pg_max_connections);
    } else {
        known.limit.server = rds->max_connections;
        known.source = rds->name + ", assumed";
        known.assumption = std::string(budget::rds_source);
    }
    return known;
}

void state_reserved(planned_limit& in, const limit_flags& flags) {
    if (!flags.pg_reserved) return;
    in.limit.reserved_superuser = connection_count(*flags.pg_reserved);
    in.limit.reserved_provider = connection_count(0);
    in.reserved_source = fmt::format("{} are reserved, --pg-reserved", *flags.pg_reserved);
}

// Which of the three limits of Postgres has the least room, and what it counts.
struct binding_limit {
    std::string_view name = "server";  // "role", "database"
    std::string role = {};
    std::uint64_t sessions_of_database = 0;
};

binding_limit take_told(planned_limit& to, const inspect::postgres_limits& told) {
    const auto least = inspect::tightest(told);
    to.limit = least.limit;
    if (least.name == "server") {
        to.source = "max_connections, as the server tells";
        to.reserved_source = fmt::format("{} are reserved", told.reserved());
    } else {
        const auto& whose = least.name == "role" ? told.role : told.database;
        to.source =
            fmt::format("CONNECTION LIMIT of {} {}", least.name, printable_excerpt(whose, 30));
        to.reserved_source = "the server's own limit leaves more";
    }
    return {
        .name = least.name, .role = told.role, .sessions_of_database = told.sessions_of_database};
}

bool is_ours(const inspect::holder& one, const std::string& service) {
    return one.ours && one.ours->prefix == service && one.ours->kind != pool_kind::tool;
}

void note_instance(census& in, const inspect::holder& one) {
    // An executor's instance is its execution.
    if (one.ours->kind != pool_kind::executor) in.instances.insert(one.ours->instance);
}

void advise_if_uncounted(planned_server& of) {
    if (of.held.is_counted || !of.limit.limit.server) return;
    for (auto& one : of.findings)
        if (one.advice.empty()) one.advice = uncounted_advice;
}

void count_clients(planned_server& to, const redis_place& at, const std::string& service,
                   deadline by) {
    const auto own = inspect::own_name();  // the connection that asked for the limits lingers
    const auto listed = ask_redis_holders(
        at,
        [&](const inspect::holder& one) {
            if (one.name == own) return;
            if (is_ours(one, service)) {
                note_instance(to.held, one);
            } else {
                ++(one.state == "replica" ? to.held.replicas : to.held.others);
            }
        },
        by);
    to.held.is_counted = listed.has_value();
    if (!listed) to.findings.push_back(finding_of(listed.error(), at));
}

void count_sessions(planned_server& to, const postgres_place& at, const binding_limit& binds,
                    const std::string& service, deadline by) {
    const auto own = inspect::own_name();
    std::uint64_t ours = 0;
    const auto listed = ask_postgres_holders(
        at,
        [&](const inspect::holder& one) {
            if (one.name == own) return;
            if (is_ours(one, service)) {
                ++ours;
                note_instance(to.held, one);
            } else if (binds.name != "role" || one.user == binds.role) {
                ++to.held.others;
            }
        },
        by);
    to.held.is_counted = listed.has_value();
    if (!listed) to.findings.push_back(finding_of(listed.error(), at));
    // A listed session does not tell its database; ours are all in the one we ask in.
    if (binds.name == "database")
        to.held.others = binds.sessions_of_database - std::min(binds.sessions_of_database, ours);
}

// As far as they are known: Postgres does not tell them.
std::optional<planned_cores> cores_of(const std::optional<postgres_place>& at,
                                      const limit_flags& flags) {
    if (flags.pg_cores) return planned_cores{budget::core_count(*flags.pg_cores), "--pg-cores"};
    if (const auto rds = budget::find_rds_class(flags.rds_class))
        return planned_cores{budget::core_count(rds->vcpus), rds->name};
    const auto here = std::thread::hardware_concurrency();
    if (at && at->is_local_socket() && here > 0)
        return planned_cores{budget::core_count(here), "this machine"};
    return std::nullopt;
}

}  // namespace

void limit_flags::add_to(CLI::App& command) {
    const auto group = "Limits (else the servers are asked)";
    const auto add = [&](const char* name, auto& to, const char* what, std::uint64_t least,
                         std::uint64_t most) {
        return command.add_option(name, to, what)
            ->group(group)
            ->type_name("N")
            ->check(CLI::Range(least, most));
    };
    auto* maxclients =
        add("--redis-maxclients", redis_maxclients, "what Redis accepts", 1, redis_connections_max);
    command.add_option("--elasticache-node", elasticache_node, "as documented for cache.t4g.small")
        ->group(group)
        ->type_name("NODE")
        ->check(CLI::Validator(check_elasticache_node, ""))
        ->excludes(maxclients);
    add("--pg-max-connections", pg_max_connections, "what Postgres accepts", 1,
        postgres_connections_max);
    add("--pg-reserved", pg_reserved, "of these kept from us (default 3, on RDS 5)", 0,
        postgres_connections_max);
    command.add_option("--rds-class", rds_class, "as documented for db.m6g.large; its cores too")
        ->group(group)
        ->type_name("CLASS")
        ->check(CLI::Validator(check_rds_class, ""));
    add("--pg-cores", pg_cores, "cores of the Postgres server", 1, cores_max);
    command.add_flag("--offline", is_offline, "ask neither the servers nor the service")
        ->group(group);
}

planned_server look_at_redis(const std::optional<redis_place>& at, const limit_flags& flags,
                             const std::string& service, deadline by) {
    planned_server seen;
    const auto stated = stated_for_redis(flags);
    if (stated) {
        seen.limit = *stated;
    } else if (at) {
        const auto told = ask_redis_limits(*at, by);
        if (!told) seen.findings.push_back(finding_of(told.error(), *at));
        if (told) seen.limit = told_by_redis(*told);
    }
    if (!at) return seen;
    seen.where = at->shown();
    if (seen.findings.empty()) count_clients(seen, *at, service, by);
    advise_if_uncounted(seen);
    return seen;
}

planned_server look_at_postgres(const std::optional<postgres_place>& at, const limit_flags& flags,
                                const std::string& service, deadline by) {
    planned_server seen;
    seen.cores = cores_of(at, flags);
    const auto stated = stated_for_postgres(flags);
    binding_limit binds;
    if (stated) {
        seen.limit = *stated;
    } else if (at) {
        const auto told = ask_postgres_limits(*at, by);
        if (!told) seen.findings.push_back(finding_of(told.error(), *at));
        if (told) binds = take_told(seen.limit, *told);
    }
    if (binds.name == "server") state_reserved(seen.limit, flags);
    if (!at) return seen;
    seen.where = at->shown();
    if (seen.findings.empty()) count_sessions(seen, *at, binds, service, by);
    advise_if_uncounted(seen);
    return seen;
}

void add_census(planned_fleet& to, const planned_server& redis, const planned_server& postgres) {
    to.counts.redis_others = connection_count(redis.held.others);
    to.counts.pg_others = connection_count(postgres.held.others);
    if (redis.held.replicas > 0 && !to.is_given_by_flag("redis_replicas")) {
        to.counts.redis_replicas = connection_count(redis.held.replicas);
        to.sources["redis_replicas"] = "connected now";
    }
    auto instances = redis.held.instances;
    instances.insert(postgres.held.instances.begin(), postgres.held.instances.end());
    if (!instances.empty() && !to.is_given_by_flag("instances")) {
        to.counts.instances = instance_count(instances.size());
        to.sources["instances"] = "named in connections now";
    }
}

}  // namespace headroom::tool
