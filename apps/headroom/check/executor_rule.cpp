// SPDX-License-Identifier: Apache-2.0
#include "headroom/check/executor_rule.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.hpp"
#include "budget/demand.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

// Connections of the service's executors, on all its instances.
struct executor_use {
    budget::amount most = budget::amount::of(connection_count(0));  // as the budget has it
    std::uint64_t connections = 0;
    std::set<std::string> doubled;  // executions with more than one
    bool has_other_instances = false;

    [[nodiscard]] bool is_of_others() const {
        return most == budget::amount::of(connection_count(0)) && has_other_instances;
    }
    // What instances of other settings may run, this chatd cannot tell.
    [[nodiscard]] bool is_beyond() const {
        const auto counted = most.counted();
        return counted && connections > counted->value() && !is_of_others();
    }
};

budget::amount most_of(const inspect::service_status& service, std::size_t instances) {
    std::uint64_t each = 0;
    for (const auto& worker : service.workers)
        each = std::max(each, worker.executors ? worker.executors->max : 0);
    return budget::redis_of_executors({.instances = instance_count(instances),
                                       .workers_per_instance = worker_count(service.workers.size()),
                                       .executors_per_worker = connection_count(each)});
}

// Instances are those that connections name, this chatd's among them: an executor's name has its
// execution instead, so that nobody can say whose it is.
std::optional<executor_use> executors_of(const check_look& look) {
    if (!look.service || !look.counted.has_redis) return std::nullopt;
    const auto ours = as_named(*look.service);
    const bool has_told =
        std::ranges::any_of(look.service->workers,
                            [](const inspect::reported_worker& one) { return !one.pools.empty(); });
    if (!ours || !has_told) return std::nullopt;

    executor_use use;
    std::set<std::string> instances{ours->instance};
    for (const auto& [name, count] : look.counted.ours) {
        const auto parsed = parse_client_name(name);
        if (!parsed || parsed->prefix != ours->prefix || parsed->kind == pool_kind::tool) continue;
        if (parsed->kind != pool_kind::executor) {
            instances.insert(parsed->instance);
            continue;
        }
        use.connections += count;
        if (count > 1) use.doubled.insert(name);
    }
    use.most = most_of(*look.service, instances.size());
    use.has_other_instances = instances.size() > 1;
    return use;
}

std::set<std::string> doubled_in_all(const std::vector<check_look>& looks) {
    std::set<std::string> kept = executors_of(looks.back()).value_or(executor_use{}).doubled;
    for (const auto& look : looks) {
        const auto also = executors_of(look).value_or(executor_use{}).doubled;
        std::erase_if(kept, [&](const std::string& name) { return !also.contains(name); });
    }
    return kept;
}

std::string calm_text(const executor_use& use, const inspect::service_status& service) {
    if (use.connections == 0 && use.most == budget::amount::of(connection_count(0)))
        return "none: this chatd runs no code";
    if (use.is_of_others()) {
        return fmt::format("{} of executors, of other instances: this chatd runs no code",
                           count_of(use.connections, "connection"));
    }
    std::uint64_t running = 0;
    std::uint64_t waiting = 0;
    for (const auto& worker : service.workers) {
        running += worker.executors ? worker.executors->running : 0;
        waiting += worker.executors ? worker.executors->waiting : 0;
    }
    return fmt::format("{} of executors, at most {}; of this chatd {} running, {} waiting",
                       count_of(use.connections, "connection"), budget::to_string(use.most),
                       running, waiting);
}

}  // namespace

bool has_executors_too_many(const check_look& look) {
    const auto use = executors_of(look);
    return use && (use->is_beyond() || !use->doubled.empty());
}

std::optional<check> executors_check(const std::vector<check_look>& looks) {
    const auto use = executors_of(looks.back());
    if (!use) return std::nullopt;
    if (const auto doubled = doubled_in_all(looks); !doubled.empty()) {
        return check{"executors",
                     {level::warning,
                      fmt::format("{} with more than one connection, for example {}",
                                  count_of(doubled.size(), "execution"),
                                  printable_excerpt(*doubled.begin())),
                      "Each has one, kept and replaced by itself: something else uses its name"}};
    }
    const bool is_beyond = std::ranges::all_of(looks, [](const check_look& look) {
        const auto one = executors_of(look);
        return one && one->is_beyond();
    });
    if (is_beyond) {
        return check{
            "executors",
            {level::warning,
             fmt::format("{} of executors, the plan has {}",
                         count_of(use->connections, "connection"), budget::to_string(use->most)),
             "Executors of workers that are gone, or instances of different settings "
             "(CHAT_BUNDLES, CHAT_EXECUTORS_MAX). See which: headroom holders --by "
             "kind,instance,address"}};
    }
    return check{"executors", {level::ok, calm_text(*use, *looks.back().service), {}}};
}

}  // namespace headroom::tool
