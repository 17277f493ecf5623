// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/snapshot.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <chrono>
#include <string_view>
#include <vector>

#include "base/client_name.hpp"
#include "chat/core/time_text.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

json::object refusals_of(const pool::pool_stats& stats) {
    json::object by_reason;
    for (std::size_t at = 0; at < stats.refused.size(); ++at)
        by_reason[to_string(static_cast<pool::refusal>(at))] = stats.refused[at];
    return by_reason;
}

json::object closes_of(const pool::pool_stats& stats) {
    json::object by_reason;
    for (std::size_t at = 0; at < stats.closed.size(); ++at)
        by_reason[to_string(static_cast<pool::close_reason>(at))] = stats.closed[at];
    return by_reason;
}

json::object pool_report(std::string_view kind, const pool::pool_stats& stats,
                         const std::vector<pool::owner_usage>& owners) {
    json::array by_owner;
    for (const auto& each : owners)
        by_owner.push_back(json::object{{"name", each.name},
                                        {"leased", each.leased},
                                        {"waiting", each.waiting},
                                        {"granted", each.granted}});
    json::object report{{"kind", kind},
                        {"cap", nullptr},
                        {"floor", stats.floor},
                        {"size", stats.size()},
                        {"idle", stats.idle},
                        {"leased", stats.leased},
                        {"waiting", stats.waiting},
                        {"opening", stats.opening},
                        {"closing", stats.closing},
                        {"acquires", stats.acquires},
                        {"granted", stats.granted},
                        {"refused", refusals_of(stats)},
                        {"opened", stats.opened},
                        {"opens_failed", stats.opens_failed},
                        {"closed", closes_of(stats)},
                        {"abandoned", stats.abandoned},
                        {"owners", std::move(by_owner)}};
    if (stats.cap) report["cap"] = *stats.cap;
    return report;
}

json::object lane_report(const redis::lane_stats& lane) {
    return {{"connections", lane.connections},
            {"outstanding", lane.outstanding},
            {"commands", lane.commands},
            {"abandoned", lane.abandoned},
            {"reconnects", lane.reconnects}};
}

json::object redis_pool_report(std::string_view kind, const redis::client& of) {
    auto report = pool_report(kind, of.stats(), of.owners());
    report["lane"] = lane_report(of.lane());
    return report;
}

json::object monitor_report(const health::monitor& of) {
    json::object report{
        {"state", to_string(of.state())}, {"since", nullptr}, {"last_error", nullptr}};
    if (const auto since = of.since()) {
        const auto ago =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - *since);
        report["since"] = to_iso_text(std::chrono::system_clock::now() - ago);
    }
    if (const auto& why = of.last_error()) report["last_error"] = why->what();
    return report;
}

}  // namespace

json::value executors_report(const worker_activity& activity) {
    if (!activity.executors) return nullptr;
    const executor_stats& of = *activity.executors;
    return json::object{{"launcher", activity.launcher}, {"max", of.running_max},
                        {"running", of.running},         {"waiting", of.waiting},
                        {"started", of.started},         {"ended", of.ended},
                        {"failed", of.failed},           {"emitting", of.emitting}};
}

json::object make_snapshot(const app_state& of, const worker_activity& activity) {
    json::array pools;
    pools.push_back(redis_pool_report(pool_kind::async, *of.redis_async));
    pools.push_back(redis_pool_report(pool_kind::async_decode, *of.redis_async_decode));
    pools.push_back(pool_report(pool_kind::sync, of.redis_sync->stats(), of.redis_sync->owners()));
    pools.push_back(pool_report(pool_kind::pg, of.pg_pool->stats(), of.pg_pool->owners()));
    return {{"type", "snapshot"},
            {"ready", activity.ready},
            {"pools", std::move(pools)},
            {"monitor", monitor_report(*of.redis_monitor)},
            {"streams", activity.streams},
            {"http_connections", activity.http_connections},
            {"turns_running", activity.turns_running},
            {"executors", executors_report(activity)}};
}

}  // namespace headroom::chat
