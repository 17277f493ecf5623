// SPDX-License-Identifier: Apache-2.0
#include "budget/demand.hpp"

#include <fmt/format.h>

namespace headroom::budget {
namespace {

constexpr connection_count one{1};

amount product(std::optional<worker_count> processes, amount each) {
    if (each.is_unbounded()) return each;
    if (!processes || each.is_overflowed()) return amount::overflowed();
    return amount::of(multiply(*processes, *each.counted()));
}

std::optional<worker_count> processes_of(instance_count instances, const fleet& of) {
    return multiply(instances, of.workers_per_instance);
}

std::string cap_text(const fleet& of) {
    return of.redis_connections_max ? fmt::format("{}", of.redis_connections_max->value())
                                    : "an unset cap";
}

std::string count_text(std::uint64_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

// "1 instance x 4 workers"
std::string processes_text(instance_count instances, const fleet& of) {
    return fmt::format("{} x {}", count_text(instances.value(), "instance"),
                       count_text(of.workers_per_instance.value(), "worker"));
}

void add_term(demand& to, std::string_view name, std::string formula, amount most) {
    to.total = add(to.total, most);
    to.terms.push_back({name, std::move(formula), most});
}

struct extra {
    std::string_view thing;  // one of them
    std::string_view rest;
};
constexpr extra emitting{"executor", " emitting at the same time, 1 each"};
constexpr extra migrations{"session", " of migrations and batch jobs"};
constexpr extra operators{"session", " of operators and dashboards"};
constexpr extra replicas{"link", " of replicas after a failover"};
constexpr extra others{"connection", " of others, counted now"};

void add_extra(demand& to, std::string_view name, extra what, connection_count count) {
    if (count == connection_count(0)) return;
    add_term(to, name, count_text(count.value(), what.thing) + std::string(what.rest),
             amount::of(count));
}

demand nothing() {
    return {.terms = {}, .total = amount::of(connection_count(0))};
}

bool counts_executors_by_worker(const fleet& of) {
    return !of.emitting_executors && of.executors_per_worker != connection_count(0);
}

void add_executors(demand& to, const fleet& of) {
    if (of.emitting_executors) {
        add_extra(to, "executors", emitting, *of.emitting_executors);
    } else if (counts_executors_by_worker(of)) {
        add_term(to, "executors",
                 fmt::format("{} x {}, 1 each", processes_text(of.instances, of),
                             count_text(of.executors_per_worker.value(), "executor")),
                 redis_of_executors(of));
    }
}

// Whatever a worker of the new version brings; of executors counted in all, none more.
void add_redis_surge(demand& to, const fleet& of, std::string text) {
    if (of.surge == instance_count(0)) return;
    amount each = redis_per_process(of);
    const std::string pools = text;
    if (counts_executors_by_worker(of)) {
        each = add(each, amount::of(of.executors_per_worker));
        text += " + " + count_text(of.executors_per_worker.value(), "executor");
    }
    if (text != pools) text = fmt::format("({})", text);
    add_term(to, "surge", fmt::format("{} x {}", processes_text(of.surge, of), text),
             product(processes_of(of.surge, of), each));
}

}  // namespace

amount add(amount a, amount b) {
    if (a.is_unbounded() || b.is_unbounded()) return amount::unbounded();
    if (a.is_overflowed() || b.is_overflowed()) return amount::overflowed();
    return amount::of(headroom::add(*a.counted(), *b.counted()));
}

std::string to_string(amount of) {
    if (of.is_unbounded()) return "unbounded";
    if (of.is_overflowed()) return "2^64 or more";
    return fmt::format("{}", of.counted()->value());
}

amount redis_per_process(const fleet& of) {
    if (!of.redis_connections_max) return amount::unbounded();
    return amount::of(multiply(redis_pools_per_process, *of.redis_connections_max));
}

amount redis_of_executors(const fleet& of) {
    if (of.emitting_executors) return amount::of(*of.emitting_executors);
    return product(processes_of(of.instances, of), amount::of(of.executors_per_worker));
}

demand redis_demand(const fleet& of) {
    demand sum = nothing();
    const auto processes = processes_of(of.instances, of);
    const std::string each_text =
        fmt::format("{} pools x {}", redis_pools_per_process.value(), cap_text(of));

    add_term(sum, "workers", fmt::format("{} x {}", processes_text(of.instances, of), each_text),
             product(processes, redis_per_process(of)));
    if (of.sentinel) {
        const auto all = headroom::add(of.instances, of.surge);
        sum.terms.push_back(
            {"sentinel",
             fmt::format("{} x 1, on sentinels, not in total",
                         processes_text(all.value_or(of.instances), of)),
             all ? product(processes_of(*all, of), amount::of(one)) : amount::overflowed()});
    }
    add_executors(sum, of);
    add_redis_surge(sum, of, each_text);
    add_extra(sum, "operators", operators, of.redis_operators);
    add_extra(sum, "replicas", replicas, of.redis_replicas);
    add_extra(sum, "others", others, of.redis_others);
    return sum;
}

amount postgres_per_instance(const fleet& of) {
    return amount::of(multiply(of.workers_per_instance, of.pg_pool_max));
}

demand postgres_demand(const fleet& of) {
    demand sum = nothing();
    const amount each = amount::of(of.pg_pool_max);
    const auto formula = [&](instance_count instances) {
        return fmt::format("{} x {}", processes_text(instances, of), of.pg_pool_max.value());
    };

    add_term(sum, "workers", formula(of.instances), product(processes_of(of.instances, of), each));
    if (of.surge != instance_count(0)) {
        add_term(sum, "surge", formula(of.surge), product(processes_of(of.surge, of), each));
    }
    add_extra(sum, "migrations", migrations, of.pg_migrations);
    add_extra(sum, "operators", operators, of.pg_operators);
    add_extra(sum, "others", others, of.pg_others);
    return sum;
}

}  // namespace headroom::budget
