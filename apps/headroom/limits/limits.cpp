// SPDX-License-Identifier: Apache-2.0
// headroom limits: what the servers accept, how much of it is in use, how close that is.
#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "headroom/ask/asked.hpp"
#include "headroom/ask/query_options.hpp"
#include "headroom/ask/servers.hpp"
#include "headroom/command.hpp"
#include "headroom/limits/limits_verdict.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/finding.hpp"
#include "headroom/show/table.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

struct limits_options {
    query_options query;
    thresholds bounds;
    unsigned watch_seconds = 0;  // 0: once
};

// One look at one server, and what to make of it.
struct redis_look {
    redis_place at;
    std::optional<inspect::redis_limits> told;
    std::optional<double> received_per_second;
    std::vector<finding> findings;
};

struct postgres_look {
    postgres_place at;
    std::optional<inspect::postgres_limits> told;
    std::vector<finding> findings;
};

struct look {
    std::optional<redis_look> redis;
    std::optional<postgres_look> postgres;

    [[nodiscard]] level worst() const {
        return worse(redis ? worst_of(redis->findings) : level::ok,
                     postgres ? worst_of(postgres->findings) : level::ok);
    }
};

// --- as text -------------------------------------------------------------------------------------

std::string number_or(const std::optional<std::uint64_t>& number, std::string_view otherwise) {
    return number ? fmt::format("{}", *number) : std::string(otherwise);
}

class facts {
public:
    void add(std::string name, std::string value, std::string note = {}) {
        rows_.add({{std::move(name)}, {std::move(value), ink::bold}, {std::move(note), ink::dim}});
    }
    void add_use(const budget::limit& limit, thresholds by) {
        const auto most = budget::usable(limit);
        const auto left = budget::free_now(limit);
        if (!most || !left) return;
        const auto used = percent(limit.in_use->value(), most->value());
        rows_.add({{"free"},
                   {fmt::format("{}", left->value()), ink_of(judge_use(used, by))},
                   {fmt::format("{} {} %", bar(used), used), ink_of(judge_use(used, by))}});
    }
    [[nodiscard]] std::string render(const paper& on) const { return rows_.render(on, 2); }

private:
    table rows_{{{.header = "", .width_min = 12},
                 {.header = "", .to = align::right},
                 {.header = "", .width_min = 10}}};
};

std::string to_text(const redis_look& of, thresholds by, const paper& on) {
    std::string out = on.paint("Redis", ink::bold) + " at " + of.at.shown();
    if (!of.told) return out + "\n" + to_text(of.findings, on);
    const auto& told = *of.told;
    if (!told.version.empty()) out += ", version " + told.version;
    if (told.role == "slave") out += ", a replica";
    out += "\n";
    facts list;
    list.add("maxclients", number_or(told.maxclients, "?"),
             told.maxclients ? fmt::format("from {}", to_string(told.source)) : "not told");
    list.add("connected clients", number_or(told.connected, "?"), "without this command's own");
    if (told.replicas.value_or(0) > 0)
        list.add("replicas", number_or(told.replicas, "?"), "their links take places too");
    list.add("  blocked", number_or(told.blocked, "?"), "in BLPOP, XREAD BLOCK and the like");
    list.add("  in pub/sub", number_or(told.pubsub, "?"));
    list.add_use(told.as_budget_limit(), by);
    list.add("rejected", number_or(told.rejected, "?"),
             "since its start; not 0: the limit was hit");
    list.add("received", number_or(told.received, "?"),
             of.received_per_second ? fmt::format("{:.1f} a second now", *of.received_per_second)
             : told.uptime_seconds
                 ? fmt::format("in {}", to_words(std::chrono::seconds(*told.uptime_seconds)))
                 : "");
    out += list.render(on);
    for (const auto& one : told.refusals)
        out += "  " + wrap("not told: " + one, on.width, 4, 2) + "\n";
    return out + to_text(of.findings, on);
}

std::string to_text(const postgres_look& of, thresholds by, const paper& on) {
    std::string out = on.paint("Postgres", ink::bold) + " at " + of.at.shown();
    if (!of.told) return out + "\n" + to_text(of.findings, on);
    const auto& told = *of.told;
    out += fmt::format(", version {}{}{}\n", told.version.substr(0, told.version.find(' ')),
                       told.is_rds ? ", RDS" : "", told.is_replica ? ", a replica" : "");
    facts list;
    list.add("max_connections", fmt::format("{}", told.max_connections));
    list.add("reserved", fmt::format("{}", told.reserved()),
             told.reserved() == told.reserved_superuser
                 ? "superuser_reserved_connections"
                 : fmt::format("superusers {}, roles {}, provider {}", told.reserved_superuser,
                               told.reserved_role.value_or(0), told.reserved_provider.value_or(0)));
    list.add("sessions", fmt::format("{}", told.sessions), "without this command's own");
    for (const auto& [state, count] : told.by_state)
        list.add("  " + state, fmt::format("{}", count));
    const auto bounds = inspect::bounds_of(told);
    for (const auto& bound : bounds) {
        if (bound.name == "server") continue;
        const bool is_role = bound.name == "role";
        list.add(fmt::format("limit of {} {}", bound.name, is_role ? told.role : told.database),
                 fmt::format("{}", bound.limit.server->value()),
                 fmt::format("{} in use; CONNECTION LIMIT", bound.limit.in_use->value()));
    }
    const auto least = inspect::tightest(told);
    list.add(
        "usable", fmt::format("{}", budget::usable(least.limit)->value()),
        bounds.size() == 1 ? "" : fmt::format("the {}'s limit has the least room", least.name));
    list.add_use(least.limit, by);
    list.add("shared_buffers", bytes_to_words(told.shared_buffers_bytes));
    list.add("work_mem", bytes_to_words(told.work_mem_bytes), "for each sort or hash of a session");
    return out + list.render(on) + to_text(of.findings, on);
}

// --- as JSON -------------------------------------------------------------------------------------

void add_use(json::object& to, const budget::limit& limit) {
    const auto most = budget::usable(limit);
    const auto left = budget::free_now(limit);
    to["usable"] = most ? json::value(most->value()) : json::value();
    to["in_use"] = limit.in_use ? json::value(limit.in_use->value()) : json::value();
    to["free"] = left ? json::value(left->value()) : json::value();
    to["used_percent"] = most && limit.in_use
                             ? json::value(percent(limit.in_use->value(), most->value()))
                             : json::value();
}

json::object to_json(const redis_look& of) {
    json::object out{{"verdict", to_string(worst_of(of.findings))},
                     {"address", of.at.shown()},
                     {"address_from", of.at.from},
                     {"answered", of.told.has_value()}};
    if (of.told) {
        const auto& told = *of.told;
        out["server_version"] = told.version;
        out["role"] = told.role;
        out["is_elasticache"] = told.is_elasticache();
        out["maxclients"] = or_null(told.maxclients);
        out["maxclients_source"] = to_string(told.source);
        add_use(out, told.as_budget_limit());
        out["connected_clients"] = or_null(told.connected);
        out["replicas"] = or_null(told.replicas);
        out["blocked_clients"] = or_null(told.blocked);
        out["pubsub_clients"] = or_null(told.pubsub);
        out["rejected_connections"] = or_null(told.rejected);
        out["total_connections_received"] = or_null(told.received);
        out["connections_received_per_second"] = or_null(of.received_per_second);
        out["uptime_seconds"] = or_null(told.uptime_seconds);
        out["not_told"] = json::array(told.refusals.begin(), told.refusals.end());
    }
    out["findings"] = to_json(of.findings);
    return out;
}

json::object to_json(const postgres_look& of) {
    json::object out{{"verdict", to_string(worst_of(of.findings))},
                     {"address", of.at.shown()},
                     {"address_from", of.at.from},
                     {"answered", of.told.has_value()}};
    if (of.told) {
        const auto& told = *of.told;
        const auto least = inspect::tightest(told);
        json::object states;
        for (const auto& [state, count] : told.by_state)
            states[state] = count;
        out["server_version"] = told.version;
        out["role"] = told.role;
        out["database"] = told.database;
        out["is_rds"] = told.is_rds;
        out["is_replica"] = told.is_replica;
        out["max_connections"] = told.max_connections;
        out["superuser_reserved_connections"] = told.reserved_superuser;
        out["reserved_connections"] = or_null(told.reserved_role);
        out["provider_reserved_connections"] = or_null(told.reserved_provider);
        out["role_limit"] = or_null(told.role_limit);
        out["database_limit"] = or_null(told.database_limit);
        out["tightest"] = least.name;
        add_use(out, least.limit);
        out["sessions"] = told.sessions;
        out["sessions_of_role"] = told.sessions_of_role;
        out["sessions_of_database"] = told.sessions_of_database;
        out["sessions_by_state"] = std::move(states);
        out["shared_buffers_bytes"] = told.shared_buffers_bytes;
        out["work_mem_bytes"] = told.work_mem_bytes;
    }
    out["findings"] = to_json(of.findings);
    return out;
}

void show(const look& now, const limits_options& how) {
    if (how.query.is_json) {
        auto whole = document("limits", now.worst());
        whole["redis"] = now.redis ? json::value(to_json(*now.redis)) : json::value();
        whole["postgres"] = now.postgres ? json::value(to_json(*now.postgres)) : json::value();
        print(whole);
        return;
    }
    const auto on = how.query.on_paper();
    std::string out;
    if (now.redis) out += to_text(*now.redis, how.bounds, on);
    if (now.redis && now.postgres) out += "\n";
    if (now.postgres) out += to_text(*now.postgres, how.bounds, on);
    print(out);
}

// --- asking --------------------------------------------------------------------------------------

redis_look look_at(const redis_place& at, const limits_options& how) {
    redis_look now{.at = at, .told = {}, .received_per_second = {}, .findings = {}};
    auto told = ask_redis_limits(at, how.query.by());
    if (!told) {
        now.findings.push_back(finding_of(told.error(), at));
        return now;
    }
    now.findings = judge(*told, how.bounds);
    now.told = std::move(*told);
    return now;
}

postgres_look look_at(const postgres_place& at, const limits_options& how) {
    postgres_look now{.at = at, .told = {}, .findings = {}};
    auto told = ask_postgres_limits(at, how.query.by());
    if (!told) {
        now.findings.push_back(finding_of(told.error(), at));
        return now;
    }
    now.findings = judge(*told, how.bounds);
    now.told = std::move(*told);
    return now;
}

// Between two looks; our own connection of this look is no load.
void note_rate(redis_look& now, const redis_look& before, double seconds_between) {
    if (!now.told || !before.told || !now.told->received || !before.told->received) return;
    const auto since = *now.told->received - std::min(*now.told->received, *before.told->received);
    now.received_per_second =
        static_cast<double>(since - std::min<std::uint64_t>(since, 1)) / seconds_between;
}

int run_limits(const limits_options& how, const config::sources& from) {
    const auto found = find_some_server(how.query, from);
    if (!found) return refuse("limits", how.query.is_json, found.error());
    std::optional<redis_look> before;
    clock::time_point before_at{};
    for (;;) {
        look now;
        const auto asked_at = clock::now();
        if (found->redis) now.redis = look_at(*found->redis, how);
        if (found->postgres) now.postgres = look_at(*found->postgres, how);
        if (before) {
            note_rate(*now.redis, *before,
                      std::chrono::duration<double>(asked_at - before_at).count());
        }
        show(now, how);
        if (how.watch_seconds == 0) return static_cast<int>(now.worst());
        before = now.redis;
        before_at = asked_at;
        if (!how.query.is_json) print("\n");
        std::this_thread::sleep_until(asked_at + std::chrono::seconds(how.watch_seconds));
    }
}

}  // namespace

void add_limits(CLI::App& app, invocation& run) {
    auto* command = app.add_subcommand("limits", "what the servers accept, and how close we are");
    auto how = std::make_shared<limits_options>();  // second owner: the callback
    how->query.add_to(*command);
    command->add_option("--watch", how->watch_seconds, "look again and again, with rates")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));
    add_thresholds_to(*command, how->bounds);
    command->footer(
        "Exit codes: 0 ok, 1 warning, 2 critical, 3 unknown (a server did not answer or tell).\n\n"
        "Examples:\n"
        "  headroom limits\n"
        "  headroom limits --redis redis://10.0.0.5 --watch 5\n"
        "  headroom limits --postgres 'host=db1 user=app dbname=chat' --json");
    command->callback([how, &run] { run.exit_code = run_limits(*how, run.from); });
}

}  // namespace headroom::tool
