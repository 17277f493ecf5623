// SPDX-License-Identifier: Apache-2.0
// What there is to raise about a Redis server: ElastiCache, one that somebody runs, or chatd's own.
#include <fmt/format.h>

#include "budget/instance_classes.hpp"
#include "headroom/ask/asked.hpp"
#include "headroom/raise/raise_case.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

constexpr auto ceiling = budget::elasticache_maxclients.value();
constexpr const char* instead =
    "Use fewer connections (headroom plan), spread them over more shards or replicas, or put a "
    "proxy in front.";

std::vector<fact> facts_of(const inspect::redis_limits& told) {
    const auto number = [](const std::optional<std::uint64_t>& of) {
        return of ? fmt::format("{}", *of) : std::string("?");
    };
    return {{"maxclients", number(told.maxclients),
             told.maxclients ? fmt::format("from {}", to_string(told.source)) : "not told"},
            {"connected clients", number(told.connected), "without this command's own"},
            {"rejected", number(told.rejected), "since its start; not 0: the limit was hit"}};
}

json::object to_json(const inspect::redis_limits& told) {
    return {{"maxclients", or_null(told.maxclients)},
            {"source", to_string(told.source)},
            {"connected_clients", or_null(told.connected)},
            {"rejected_connections", or_null(told.rejected)}};
}

std::optional<inspect::redis_limits> look(raise_case& of, const raise_options& how,
                                          const std::optional<redis_place>& at) {
    if (!at) {
        of.findings.push_back({level::ok, "What limits it now was not asked: no Redis is named",
                               "--redis URL, or REDIS_URL, shows it."});
        return std::nullopt;
    }
    of.address = at->shown();
    auto told = ask_redis_limits(*at, how.query.by());
    if (!told) {
        auto why = finding_of(told.error(), *at);
        why.advice.clear();  // it would be this very command
        of.findings.push_back(std::move(why));
        return std::nullopt;
    }
    of.now_heading =
        fmt::format("Redis at {}{}{}{}", of.address, told->version.empty() ? "" : ", version ",
                    told->version, told->is_elasticache() ? ", ElastiCache" : "");
    of.now = facts_of(*told);
    of.limit_now = to_json(*told);
    return std::move(*told);
}

redis_cli_access access_of(const std::optional<redis_place>& at) {
    redis_cli_access to;
    if (!at) return to;
    to.socket = at->where.unix_path;
    to.host = at->where.host;
    to.port = fmt::format("{}", at->where.port);
    to.user = at->where.username;
    return to;
}

raise_target target_of(const raise_options& how, const servers& at,
                       const std::optional<inspect::redis_limits>& told) {
    if (!how.cache_cluster.empty()) return raise_target::elasticache_cluster;
    if (!how.replication_group.empty() || (told && told->is_elasticache()))
        return raise_target::elasticache_group;
    return at.redis && at.redis->is_of_chatd() ? raise_target::chatd : raise_target::self_managed;
}

// False: scaling gives no more clients, and why is said.
bool can_scaling_help(raise_case& of, const std::optional<inspect::redis_limits>& told) {
    const auto present = told ? told->maxclients : std::nullopt;
    if (of.wanted.value_or(0) > ceiling) {
        of.findings.push_back({level::critical,
                               fmt::format("Scaling will not give {} clients: {} is the most that "
                                           "any node accepts, and it is no parameter (AWS)",
                                           *of.wanted, ceiling),
                               instead});
        return false;
    }
    if (present.value_or(0) >= ceiling) {
        of.findings.push_back({level::critical,
                               fmt::format("Scaling will not raise it: maxclients is {} already, "
                                           "the most that any node accepts, and it is no parameter "
                                           "(AWS)",
                                           *present),
                               instead});
        return false;
    }
    if (!present) {
        of.findings.push_back(
            {level::warning,
             fmt::format("Scaling may not raise it: AWS documents maxclients as {} for each node, "
                         "whatever its type, and what this one has is not known",
                         ceiling),
             "See what it says first: headroom limits --redis URL"});
    }
    return true;
}

void add_elasticache_steps(raise_case& to, const raise_options& how) {
    cache_names names;
    names.kind = to.target == raise_target::elasticache_cluster ? cache_kind::cluster
                                                                : cache_kind::replication_group;
    if (!to.id.empty()) names.id = to.id;
    if (!how.node_type.empty()) names.node_type = how.node_type;
    to.steps = cache_steps(names, how.aws);
    if (to.id.empty()) {
        to.notes.emplace_back(
            "ID is the replication group's: --replication-group ID writes it in; for a cluster "
            "without one --cache-cluster ID.");
    }
    if (how.node_type.empty()) {
        to.notes.emplace_back(
            "NODE_TYPE is the wanted one: --node-type cache.m7g.large writes it in. What it can "
            "become: aws elasticache list-allowed-node-type-modifications");
    }
}

void add_own_steps(raise_case& to, const servers& at) {
    if (to.target == raise_target::self_managed) {
        to.steps = redis_steps(access_of(at.redis), *to.wanted);
        if (at.redis && !at.redis->where.password.empty())
            to.notes.emplace_back("redis-cli takes the password from REDISCLI_AUTH.");
        return;
    }
    to.steps.push_back(
        {.title = "Give chatd more room in its settings, and restart it",
         .command = {},
         .does = effect::restarts,
         .note = "chatd starts this server with as many clients as its own settings can use, and "
                 "10000 at least: raise REDIS_MAX_CONNECTIONS or processes_per_instance. What "
                 "CONFIG SET says is gone with its next start."});
}

}  // namespace

std::expected<raise_case, std::string> redis_case(const raise_options& how, const servers& at) {
    if (!at.redis && how.replication_group.empty() && how.cache_cluster.empty()) {
        return std::unexpected(no_servers_sentence() +
                               ", or name what the steps are for: --replication-group ID or "
                               "--cache-cluster ID");
    }
    raise_case made;
    made.server = "Redis";
    made.parameter = "maxclients";
    made.id = how.cache_cluster.empty() ? how.replication_group : how.cache_cluster;
    made.wanted = how.to;
    auto told = look(made, how, at.redis);
    if (told && !told->os.empty() && !told->is_elasticache() && !made.id.empty()) {
        made.findings.push_back({level::warning,
                                 fmt::format("Redis at {} is no ElastiCache, so it is not {}: what "
                                             "it says is left out",
                                             made.address, made.id),
                                 "Name its endpoint: --redis URL"});
        made.now.clear();
        made.limit_now = nullptr;
        told.reset();
    }
    const auto present = told ? told->maxclients : std::nullopt;
    made.target = target_of(how, at, told);
    made.memory = redis_memory(how.to, present);
    const bool is_elasticache = made.target == raise_target::elasticache_group ||
                                made.target == raise_target::elasticache_cluster;
    if (how.to && present && *present >= *how.to) {
        made.findings.push_back(
            {level::ok, fmt::format("Nothing to raise: maxclients is {} already", *present), {}});
        made.is_settled = true;
        return made;
    }
    if (is_elasticache) {
        made.is_settled = !can_scaling_help(made, told);
        if (!made.is_settled && (how.to || !how.node_type.empty()))
            add_elasticache_steps(made, how);
        if (!made.is_settled && !how.to && how.node_type.empty())
            made.notes.emplace_back("maxclients comes with the node. The steps: --node-type TYPE");
    } else if (how.to) {
        add_own_steps(made, at);
    } else {
        made.notes.emplace_back(
            "maxclients can be set while the server runs, as far as it may open files. The steps: "
            "--to N");
    }
    return made;
}

}  // namespace headroom::tool
