// SPDX-License-Identifier: Apache-2.0
#include "headroom/limits/limits_verdict.hpp"

#include <fmt/format.h>

#include "budget/instance_classes.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

void judge_use_of(const budget::limit& limit, std::string_view who, const std::string& raise_with,
                  thresholds by, std::vector<finding>& to) {
    const auto most = budget::usable(limit);
    if (!most || !limit.in_use) return;
    const auto used = percent(limit.in_use->value(), most->value());
    const auto how = judge_use(used, by);
    if (how == level::ok) return;
    to.push_back({how,
                  fmt::format("{}: {} of {} usable connections are in use ({} %)", who,
                              limit.in_use->value(), most->value(), used),
                  fmt::format("See who holds them: headroom holders. Give more: {}", raise_with)});
}

}  // namespace

std::vector<finding> judge(const inspect::redis_limits& told, thresholds by) {
    std::vector<finding> all;
    judge_use_of(told.as_budget_limit(), "Redis", "headroom raise redis", by, all);
    if (told.rejected && *told.rejected > 0) {
        all.push_back(
            {level::warning,
             fmt::format("Redis: {} {} rejected since the server's start: the limit was hit",
                         count_of(*told.rejected, "connection"),
                         *told.rejected == 1 ? "was" : "were"),
             "See what the fleet can open at most: headroom plan. CONFIG RESETSTAT sets "
             "the counter back."});
    }
    if (!told.maxclients) {
        const bool is_managed = told.is_elasticache();
        all.push_back(
            {level::unknown, "Redis: maxclients is not known: the server does not tell it",
             is_managed ? fmt::format("ElastiCache accepts {} for each node; state it: headroom "
                                      "plan --redis-maxclients {}",
                                      budget::elasticache_maxclients.value(),
                                      budget::elasticache_maxclients.value())
                        : "Allow this user INFO (from Redis 7.0 it tells maxclients) or CONFIG GET "
                          "maxclients: ACL SETUSER ... +info +config|get"});
    } else if (!told.connected) {
        all.push_back({level::unknown,
                       "Redis: how many clients are connected is not known: the server does not "
                       "tell it",
                       "Allow this user INFO, or CLIENT LIST: ACL SETUSER ... +info"});
    }
    return all;
}

std::vector<finding> judge(const inspect::postgres_limits& told, thresholds by) {
    std::vector<finding> all;
    for (const auto& bound : inspect::bounds_of(told)) {
        const auto who = bound.name == "server" ? std::string("Postgres")
                         : bound.name == "role"
                             ? fmt::format("Postgres, role {}", told.role)
                             : fmt::format("Postgres, database {}", told.database);
        const auto raise_with =
            bound.name == "server" ? std::string("headroom raise postgres")
            : bound.name == "role"
                ? fmt::format("ALTER ROLE {} CONNECTION LIMIT ...", told.role)
                : fmt::format("ALTER DATABASE {} CONNECTION LIMIT ...", told.database);
        judge_use_of(bound.limit, who, raise_with, by, all);
    }
    const auto hidden = told.by_state.find("hidden");
    if (hidden != told.by_state.end()) {
        all.push_back({level::ok,
                       fmt::format("Postgres: the state of {} is hidden from role {}",
                                   count_of(hidden->second, "session"), told.role),
                       fmt::format("To see it: GRANT pg_read_all_stats TO {}", told.role)});
    }
    return all;
}

}  // namespace headroom::tool
