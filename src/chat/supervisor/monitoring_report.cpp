// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/monitoring_report.hpp"

#include <algorithm>
#include <chrono>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/version.hpp"
#include "budget/demand.hpp"
#include "chat/core/time_text.hpp"
#include "config/capacity.hpp"

namespace headroom::chat {
namespace {

namespace json = boost::json;

// A number, or "unbounded" or "2^64 or more".
json::value to_value(const budget::amount& of) {
    if (const auto counted = of.counted()) return counted->value();
    return json::string(budget::to_string(of));
}

json::object to_object(const budget::demand& demand) {
    json::array terms;
    for (const budget::term& one : demand.terms) {
        terms.push_back(json::object{
            {"name", one.name}, {"formula", one.formula}, {"value", to_value(one.most)}});
    }
    return {{"terms", std::move(terms)}, {"total", to_value(demand.total)}};
}

// This instance's share; the number of instances is the operator's to know.
json::object budget_report(const config::settings& settings) {
    const budget::fleet fleet = config::fleet_of(settings, instance_count(1));
    json::object redis = to_object(budget::redis_demand(fleet));
    redis["per_process"] = to_value(budget::redis_per_process(fleet));
    json::object postgres = to_object(budget::postgres_demand(fleet));
    postgres["per_instance"] = to_value(budget::postgres_per_instance(fleet));
    return {{"redis", std::move(redis)}, {"postgres", std::move(postgres)}};
}

// Started, and not saying otherwise: a worker whose servers are away is alive, but not ready.
bool is_worker_ready(const worker_view& worker) {
    if (worker.state != worker_state::ready) return false;
    const json::value* said = worker.snapshot ? worker.snapshot->if_contains("ready") : nullptr;
    return said == nullptr || !said->is_bool() || said->get_bool();
}

json::object worker_brief(const worker_view& worker) {
    json::object brief{{"index", worker.index},
                       {"pid", worker.process.pid},
                       {"state", to_string(worker.state)},
                       {"ready", is_worker_ready(worker)},
                       {"restarts", worker.restarts}};
    brief["last_reason"] =
        worker.last_reason.empty() ? json::value() : json::value(worker.last_reason);
    return brief;
}

json::object worker_report(const worker_view& worker, clock::time_point now) {
    json::object report = worker_brief(worker);
    report["started_at"] = to_iso_text(worker.started_at);
    if (!worker.snapshot) {
        report["age_ms"] = nullptr;
        return report;
    }
    const auto age =
        std::chrono::duration_cast<std::chrono::milliseconds>(now - worker.snapshot_at);
    report["age_ms"] = age.count();
    // What the worker says of itself never overrides what the supervisor knows of it.
    for (const auto& [key, value] : *worker.snapshot) {
        if (key != "type" && !report.contains(key)) report[key] = value;
    }
    return report;
}

std::size_t count_ready(const system_view& view) {
    return static_cast<std::size_t>(std::ranges::count_if(view.workers, is_worker_ready));
}

}  // namespace

bool is_ready(const system_view& view) {
    return !view.stopping && count_ready(view) > 0;
}

json::object readiness_report(const system_view& view) {
    json::array workers;
    for (const worker_view& one : view.workers)
        workers.push_back(worker_brief(one));
    return {{"ready", is_ready(view)},
            {"stopping", view.stopping},
            {"workers_ready", count_ready(view)},
            {"workers", std::move(workers)}};
}

json::object system_report(const system_view& view) {
    json::array workers;
    for (const worker_view& one : view.workers)
        workers.push_back(worker_report(one, view.now));
    json::array servers;
    for (const embedded_view& one : view.servers) {
        servers.push_back(
            json::object{{"name", one.name}, {"pid", one.process.pid}, {"ready", one.ready}});
    }
    return {{"instance", view.settings.instance},
            {"service", view.settings.name_prefix},
            {"version", version},
            {"supervisor", {{"pid", view.supervisor_pid}, {"stopping", view.stopping}}},
            {"workers", std::move(workers)},
            {"budget", budget_report(view.settings)},
            {"embedded_servers", std::move(servers)}};
}

}  // namespace headroom::chat
