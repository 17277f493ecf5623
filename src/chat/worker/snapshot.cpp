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

template <class Reason, std::size_t Size>
json::object by_reason(const std::array<std::uint64_t, Size>& counts) {
    json::object report;
    for (std::size_t i = 0; i < Size; ++i)
        report[to_string(static_cast<Reason>(i))] = counts[i];
    return report;
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
                        {"refused", by_reason<pool::refusal>(stats.refused)},
                        {"opened", stats.opened},
                        {"opens_failed", stats.opens_failed},
                        {"closed", by_reason<pool::close_reason>(stats.closed)},
                        {"abandoned", stats.abandoned},
                        {"owners", std::move(by_owner)}};
    if (stats.cap) report["cap"] = *stats.cap;
    return report;
}

json::object lane_report(const redis::lane_stats& lane) {
    return {{"connections", lane.connections},
            {"outstanding", lane.outstanding},
            {"commands", lane.commands},
            {"queue_full", lane.queue_full},
            {"reconnects", lane.reconnects}};
}

json::object traffic_report(const redis::lane_traffic& traffic) {
    return {{"bytes_written", traffic.bytes_written},
            {"bytes_read", traffic.bytes_read},
            {"batches", traffic.batches},
            {"commands", traffic.commands},
            {"abandoned", traffic.abandoned},
            {"outcomes", by_reason<redis::outcome>(traffic.outcomes)},
            {"lost", by_reason<redis::loss_reason>(traffic.losses)}};
}

json::object redis_pool_report(std::string_view kind, const redis::client& of) {
    auto report = pool_report(kind, of.stats(), of.owners());
    report["lane"] = lane_report(of.lane());
    report["traffic"] = traffic_report(of.traffic());
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

json::value sentinel_report(const redis::sentinel_locator* of) {
    if (of == nullptr) return nullptr;
    const auto now = of->stats();
    json::object report{{"connected_to", nullptr},
                        {"primary", nullptr},
                        {"moves", now.moves},
                        {"failed_rounds", now.failed_rounds}};
    if (now.connected_to) report["connected_to"] = redis::to_string(*now.connected_to);
    if (now.primary) report["primary"] = redis::to_string(*now.primary);
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
            {"sentinel", sentinel_report(of.redis_locator.get())},
            {"streams", activity.streams},
            {"http_connections", activity.http_connections},
            {"turns_running", activity.turns_running},
            {"executors", executors_report(activity)}};
}

}  // namespace headroom::chat
