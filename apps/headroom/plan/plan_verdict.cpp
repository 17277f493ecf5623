// SPDX-License-Identifier: Apache-2.0
#include "headroom/plan/plan_verdict.hpp"

#include <fmt/format.h>

#include "budget/cores.hpp"
#include "budget/fit.hpp"
#include "config/limits.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

template <class Count>
std::optional<std::uint64_t> number_of(const std::optional<Count>& of) {
    return of ? std::optional(of->value()) : std::nullopt;
}

std::string raise_command(const server_plan& of) {
    return of.name == "Redis" ? "headroom raise redis" : "headroom raise postgres";
}

finding unknown_limit(const server_plan& of) {
    const bool is_redis = of.name == "Redis";
    return {level::unknown,
            fmt::format("{}: what the fleet can open is known, what the server accepts is not",
                        of.name),
            is_redis ? "Name the server (--redis URL), or state its limit: --redis-maxclients N, "
                       "or --elasticache-node cache.t4g.small"
                     : "Name the server (--postgres URL), or state its limit: "
                       "--pg-max-connections N, or --rds-class db.m6g.large"};
}

finding unbounded(const server_plan& of) {
    return {level::critical,
            fmt::format("{}: {} is unset: the pools grow with load until the server refuses",
                        of.name, of.setting),
            of.largest.pool_max
                ? fmt::format("Set {} to at most {}", of.setting, *of.largest.pool_max)
                : fmt::format("Set {}: against a known limit (--redis-maxclients N) this command "
                              "tells how high",
                              of.setting)};
}

finding exceeding(const server_plan& of) {
    const auto wanted = of.demand.total.counted();
    const auto most = budget::usable(of.seen.limit.limit);
    const auto raise = fmt::format("raise the limit: {}", raise_command(of));
    const bool has_fit = of.largest.pool_max || of.largest.instances || of.largest.workers;
    return {
        level::critical,
        fmt::format(
            "{}: the fleet can open {} and {} are usable{}", of.name,
            budget::to_string(of.demand.total), most ? most->value() : 0,
            wanted && most ? fmt::format(": {} too many", wanted->value() - most->value()) : ""),
        has_fit ? "Lower one setting to the largest that fits, or " + raise
                : "No setting alone makes it fit: lower several, or " + raise};
}

finding tight(const server_plan& of) {
    const auto most = budget::usable(of.seen.limit.limit).value_or(connection_count(0)).value();
    const auto wanted = of.demand.total.counted().value_or(connection_count(0)).value();
    return {level::warning,
            fmt::format("{}: it fits, but leaves only {} of {}: less than a tenth", of.name,
                        most - wanted, most),
            fmt::format("Lower a setting, or raise the limit: {}", raise_command(of))};
}

void judge_verdict(const server_plan& of, std::vector<finding>& to) {
    switch (of.how) {
        case budget::verdict::fits:
            return;
        case budget::verdict::tight:
            to.push_back(tight(of));
            return;
        case budget::verdict::exceeds:
            to.push_back(exceeding(of));
            return;
        case budget::verdict::unbounded:
            to.push_back(unbounded(of));
            return;
        case budget::verdict::unknown:
            // Why a named server did not tell stands there already.
            if (of.seen.findings.empty()) to.push_back(unknown_limit(of));
            return;
    }
}

// The pools of all workers, without what a deploy or others add.
void judge_cores(const server_plan& of, std::vector<finding>& to) {
    if (!of.seen.cores) return;
    const auto& cores = *of.seen.cores;
    const auto useful = budget::useful_connections(cores.cores);
    const auto pooled = of.demand.terms.front().most.counted();
    if (!useful || !pooled || *pooled <= *useful) return;
    to.push_back(
        {level::warning,
         fmt::format("{}: the pools hold {} in all; {} ({}) can work on about {} at a time, 2 x "
                     "cores + 1 spindle",
                     of.name, count_of(pooled->value(), "connection"),
                     count_of(cores.cores.value(), "core"), cores.source, useful->value()),
         fmt::format("More wait for each other in the server, where nobody sees them; with a "
                     "smaller {} callers wait in line in the pool instead. {}",
                     of.setting, budget::cores_source)});
}

void judge(server_plan& of) {
    of.how = budget::judge(of.demand.total, of.seen.limit.limit);
    of.findings = of.seen.findings;
    judge_verdict(of, of.findings);
    judge_cores(of, of.findings);
}

}  // namespace

level plan::worst() const {
    return worse(worst_of(notes), worse(worst_of(redis.findings), worst_of(postgres.findings)));
}

plan make_plan(planned_fleet fleet, planned_server redis, planned_server postgres,
               std::vector<finding> notes) {
    add_census(fleet, redis, postgres);
    const auto& counts = fleet.counts;
    const auto largest = [&](const budget::limit& limit, budget::demand_function on,
                             std::optional<std::uint64_t> pool_max) {
        return largest_fit{
            .pool_max = pool_max,
            .instances = number_of(budget::largest_instances(counts, limit, on)),
            .workers = number_of(budget::largest_workers_per_instance(counts, limit, on))};
    };
    const auto redis_max = budget::largest_redis_connections_max(
        counts, redis.limit.limit, config::redis_connections_needed());
    const auto pg_max = budget::largest_pg_pool_max(counts, postgres.limit.limit);
    plan whole{
        .fleet = fleet,
        .redis = {.name = "Redis",
                  .setting = "REDIS_MAX_CONNECTIONS",
                  .seen = redis,
                  .demand = budget::redis_demand(counts),
                  .largest = largest(redis.limit.limit, budget::redis_demand, number_of(redis_max)),
                  .findings = {}},
        .postgres = {.name = "Postgres",
                     .setting = "PGPOOL_MAX_SIZE",
                     .seen = postgres,
                     .demand = budget::postgres_demand(counts),
                     .largest =
                         largest(postgres.limit.limit, budget::postgres_demand, number_of(pg_max)),
                     .findings = {}},
        .notes = std::move(notes)};
    judge(whole.redis);
    judge(whole.postgres);
    return whole;
}

}  // namespace headroom::tool
