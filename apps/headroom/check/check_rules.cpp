// SPDX-License-Identifier: Apache-2.0
#include "headroom/check/check_rules.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/client_name.hpp"
#include "base/text.hpp"
#include "headroom/check/executor_rule.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

constexpr std::size_t foreign_names_max = 1000;
constexpr std::size_t examples_max = 3;
// A worker speaks each second: what is older says nothing of the connections counted now.
constexpr std::uint64_t fresh_ms = 3000;

// "a, b, c and 4 more"
std::string examples(const std::vector<std::string>& all) {
    std::string text;
    for (std::size_t i = 0; i < std::min(all.size(), examples_max); ++i)
        text += (i > 0 ? ", " : "") + printable_excerpt(all[i]);
    if (all.size() > examples_max) text += fmt::format(" and {} more", all.size() - examples_max);
    return text;
}

bool is_of_postgres(std::string_view kind) {
    return kind == pool_kind::pg;
}

bool was_asked(const connection_counts& counted, std::string_view kind) {
    return is_of_postgres(kind) ? counted.has_postgres : counted.has_redis;
}

// The workers' connections by name, as they say.
std::map<std::string, std::uint64_t> told_by(const check_look& look) {
    std::map<std::string, std::uint64_t> told;
    for (const auto& worker : look.service->workers) {
        if (worker.age_ms.value_or(fresh_ms) >= fresh_ms) continue;
        for (const auto& pool : worker.pools) {
            if (!was_asked(look.counted, pool.kind)) continue;
            const process_identity who{look.service->service, look.service->instance, worker.pid};
            if (pool.kind == pool_kind::async || pool.kind == pool_kind::async_decode ||
                pool.kind == pool_kind::sync || pool.kind == pool_kind::pg) {
                told[format_client_name(who, pool.kind)] = pool.size;
            }
        }
    }
    return told;
}

struct drift {
    std::uint64_t told = 0;
    std::uint64_t counted = 0;
};

std::map<std::string, drift> drifts_of(const check_look& look) {
    std::map<std::string, drift> all;
    for (const auto& [name, told] : told_by(look)) {
        const auto found = look.counted.ours.find(name);
        const auto counted = found != look.counted.ours.end() ? found->second : 0;
        if (counted != told) all[name] = {told, counted};
    }
    return all;
}

// Names of this service and instance whose process is none of its workers.
std::map<std::string, std::uint64_t> dead_of(const check_look& look) {
    const auto& service = *look.service;
    const auto ours = as_named(service);
    std::map<std::string, std::uint64_t> dead;
    for (const auto& [name, count] : look.counted.ours) {
        const auto parsed = parse_client_name(name);
        if (!parsed || !ours || parsed->prefix != ours->prefix ||
            parsed->instance != ours->instance || parsed->kind == pool_kind::executor) {
            continue;
        }
        const bool is_alive = std::ranges::any_of(
            service.workers,
            [&](const inspect::reported_worker& worker) { return worker.pid == parsed->pid; });
        if (!is_alive) dead[name] = count;
    }
    return dead;
}

// "worker 42's async pool"
std::set<std::string> waiting_at_cap(const check_look& look) {
    std::set<std::string> all;
    for (const auto& worker : look.service->workers) {
        for (const auto& pool : worker.pools) {
            if (pool.cap && pool.size >= *pool.cap && pool.waiting > 0)
                all.insert(fmt::format("{} of worker {}", pool.kind, worker.pid));
        }
    }
    return all;
}

// Keys that every look has.
template <class Found>
std::vector<std::string> in_all(const std::vector<check_look>& looks, Found found) {
    std::vector<std::string> kept;
    std::map<std::string, std::size_t> times;
    for (const auto& look : looks) {
        for (auto& name : found(look))
            ++times[name];
    }
    for (const auto& [name, count] : times)
        if (count == looks.size()) kept.push_back(name);
    return kept;
}

std::vector<std::string> keys_of(const auto& map) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : map)
        keys.push_back(key);
    return keys;
}

struct reported_use {
    std::uint64_t redis = 0;
    std::uint64_t postgres = 0;
};

// All that is left to go by when a server is full and refuses us.
reported_use use_told_by(const inspect::service_status& service) {
    reported_use sum;
    for (const auto& worker : service.workers) {
        for (const auto& pool : worker.pools)
            (is_of_postgres(pool.kind) ? sum.postgres : sum.redis) += pool.size;
    }
    return sum;
}

check workers(const check_look& last, const check_bounds& by) {
    const auto held = use_told_by(*last.service);
    std::vector<std::string> troubled;
    for (const auto& worker : last.service->workers) {
        if (!worker.is_ready) {
            troubled.push_back(fmt::format(
                "{} is {}", worker.pid,
                worker.state == "ready" ? "not ready: a server is away" : worker.state));
        } else if (worker.age_ms.value_or(0) > static_cast<std::uint64_t>(by.silence_max.count())) {
            troubled.push_back(fmt::format("{} has been silent for {}", worker.pid,
                                           to_words(std::chrono::seconds(*worker.age_ms / 1000))));
        }
    }
    const auto count = last.service->workers.size();
    if (count == 0) {
        return {"workers",
                {level::warning, "chatd answers, but none of its workers runs",
                 "chatd's log on standard error says why"}};
    }
    if (troubled.empty()) {
        return {"workers",
                {level::ok,
                 fmt::format("{} ready, holding {} of Redis and {} of Postgres as they say",
                             count_of(count, "worker"), count_of(held.redis, "connection"),
                             held.postgres),
                 {}}};
    }
    return {"workers",
            {level::warning,
             fmt::format("{} of {} not well: {}", troubled.size(), count_of(count, "worker"),
                         examples(troubled)),
             "chatd's log on standard error says why"}};
}

check drift_check(const std::vector<check_look>& looks) {
    const auto& last = looks.back();
    const auto names =
        in_all(looks, [](const check_look& look) { return keys_of(drifts_of(look)); });
    if (names.empty()) {
        return {"drift",
                {level::ok,
                 fmt::format("the servers count what {} of workers report",
                             count_of(told_by(last).size(), "pool")),
                 {}}};
    }
    const auto drifts = drifts_of(last);
    std::vector<std::string> told;
    for (const auto& name : names) {
        const auto& one = drifts.at(name);
        told.push_back(
            fmt::format("{} reports {}, its server counts {}", name, one.told, one.counted));
    }
    return {"drift",
            {level::warning, examples(told),
             "More on the server than reported: a connection that nobody owns any more. Fewer: the "
             "server, or a proxy between, cut connections that the worker still believes in"}};
}

check dead_check(const std::vector<check_look>& looks) {
    const auto names = in_all(looks, [](const check_look& look) { return keys_of(dead_of(look)); });
    if (names.empty())
        return {"dead processes", {level::ok, "no connection of a process that has ended", {}}};
    std::uint64_t count = 0;
    const auto dead = dead_of(looks.back());
    for (const auto& name : names)
        count += dead.at(name);
    return {"dead processes",
            {level::warning,
             fmt::format("{} of processes that are no workers of this chatd: {}",
                         count_of(count, "connection"), examples(names)),
             "End them: CLIENT KILL ID, pg_terminate_backend(pid); or another chatd runs with the "
             "same INSTANCE_ID: give each its own"}};
}

check pools_check(const std::vector<check_look>& looks) {
    const auto full = in_all(looks, waiting_at_cap);
    if (full.empty()) return {"pools", {level::ok, "nobody waits at a pool's cap", {}}};
    return {"pools",
            {level::warning, "callers wait at the cap of " + examples(full),
             "Raise REDIS_MAX_CONNECTIONS or PGPOOL_MAX_SIZE as far as headroom plan allows, or "
             "shorten what holds connections"}};
}

check names_check(const check_look& last, const check_bounds& by) {
    const auto& counted = last.counted;
    std::vector<std::string> broken;
    if (last.service) {
        for (const auto& [name, count] : counted.foreign_names) {
            if (name.starts_with(last.service->service + ":")) broken.push_back(name);
        }
    }
    if (!broken.empty()) {
        return {
            "names",
            {level::warning,
             fmt::format("{} like the service's but not of its form: {}",
                         count_of(broken.size(), "name"), examples(broken)),
             "<service>:<instance>:<pid>:<kind> is expected, at most 63 bytes: an older version, "
             "or something else that uses the same name"}};
    }
    const auto strangers = counted.foreign + counted.unnamed;
    const auto what = fmt::format("{} foreign, {} unnamed", count_of(counted.foreign, "connection"),
                                  counted.unnamed);
    if (by.foreign_max && strangers > *by.foreign_max) {
        return {"names",
                {level::warning, fmt::format("{}; at most {} are expected", what, *by.foreign_max),
                 "See who they are: headroom holders --by service,address,user"}};
    }
    return {"names", {level::ok, what, {}}};
}

check transactions_check(const check_look& last, const check_bounds& by) {
    auto idle = last.counted.idle_in_transaction;
    if (idle.empty()) {
        return {"transactions",
                {level::ok,
                 fmt::format("no session idle in a transaction for more than {}",
                             to_words(by.idle_in_transaction_max)),
                 {}}};
    }
    std::ranges::sort(idle, std::ranges::greater{}, &idle_transaction::open_for);
    std::vector<std::string> told;
    for (const auto& one : idle) {
        told.push_back(fmt::format("{} for {}", one.name.empty() ? "(unnamed)" : one.name,
                                   to_words(one.open_for)));
    }
    return {
        "transactions",
        {level::warning,
         fmt::format("{} idle in a transaction: {}", count_of(idle.size(), "session"),
                     examples(told)),
         "It holds its locks and its connection: end it with pg_terminate_backend(pid), bound it "
         "with idle_in_transaction_session_timeout"}};
}

}  // namespace

std::optional<client_name> as_named(const inspect::service_status& service) {
    return parse_client_name(
        format_client_name({service.service, service.instance, 0}, pool_kind::pg));
}

level worst_of(const std::vector<check>& all) {
    level worst = level::ok;
    for (const auto& one : all)
        worst = worse(worst, one.found.how);
    return worst;
}

void connection_counts::add(const inspect::holder& one,
                            std::chrono::seconds idle_in_transaction_max) {
    if (one.ours) {
        ++ours[one.name];
    } else if (one.name.empty()) {
        ++unnamed;
    } else {
        ++foreign;
        if (foreign_names.size() < foreign_names_max || foreign_names.contains(one.name))
            ++foreign_names[one.name];
    }
    if (one.idle_in_transaction_for && *one.idle_in_transaction_for > idle_in_transaction_max)
        idle_in_transaction.push_back({one.name, *one.idle_in_transaction_for});
}

bool may_pass(const check_look& look) {
    if (!look.service) return false;
    return !drifts_of(look).empty() || !dead_of(look).empty() || !waiting_at_cap(look).empty() ||
           has_executors_too_many(look);
}

std::vector<check> check_looks(const std::vector<check_look>& looks, const check_bounds& by) {
    const auto& last = looks.back();
    std::vector<check> all;
    if (last.service) {
        all.push_back(workers(last, by));
        all.push_back(pools_check(looks));
    }
    if (last.counted.has_redis || last.counted.has_postgres) {
        if (last.service) {
            all.push_back(drift_check(looks));
            all.push_back(dead_check(looks));
            if (auto found = executors_check(looks)) all.push_back(std::move(*found));
        }
        all.push_back(names_check(last, by));
    }
    if (last.counted.has_postgres) all.push_back(transactions_check(last, by));
    return all;
}

}  // namespace headroom::tool
