// SPDX-License-Identifier: Apache-2.0
// headroom check: one answer for cron and deploy pipelines.
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "headroom/ask/asked.hpp"
#include "headroom/ask/query_options.hpp"
#include "headroom/check/check_rules.hpp"
#include "headroom/command.hpp"
#include "headroom/limits/limits_verdict.hpp"
#include "headroom/plan/plan_verdict.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

// Workers speak once a second.
constexpr auto pause_between_looks = std::chrono::milliseconds(1100);
constexpr std::size_t looks_max = 4;

struct check_options {
    query_options query;
    thresholds bounds;
    unsigned idle_in_transaction_seconds = 60;
    std::optional<std::uint64_t> foreign_max;

    [[nodiscard]] check_bounds rules() const {
        check_bounds by;
        by.idle_in_transaction_max = std::chrono::seconds(idle_in_transaction_seconds);
        by.foreign_max = foreign_max;
        return by;
    }
};

// One line of what is in use, or the worst of what was found.
check limit_check(std::string name, const budget::limit& limit, const std::vector<finding>& found) {
    const auto worst = worst_of(found);
    for (const auto& one : found)
        if (one.how == worst && worst != level::ok) return {std::move(name), one};
    const auto most = budget::usable(limit);
    auto text = most && limit.in_use ? fmt::format("{} of {} usable connections in use ({} %)",
                                                   limit.in_use->value(), most->value(),
                                                   percent(limit.in_use->value(), most->value()))
                                     : std::string("in use and limit are told");
    return {std::move(name), {level::ok, std::move(text), {}}};
}

// A server that did not answer is not asked again: each question would take its whole time.
servers check_limits(const servers& of, const check_options& how, std::vector<check>& to) {
    servers answering = of;
    if (of.redis) {
        const auto told = ask_redis_limits(*of.redis, how.query.by());
        if (!told) answering.redis.reset();
        to.push_back(
            told ? limit_check("redis limit", told->as_budget_limit(), judge(*told, how.bounds))
                 : check{"redis limit", finding_of(told.error(), *of.redis)});
    }
    if (of.postgres) {
        const auto told = ask_postgres_limits(*of.postgres, how.query.by());
        if (!told) answering.postgres.reset();
        to.push_back(told ? limit_check("postgres limit", inspect::tightest(*told).limit,
                                        judge(*told, how.bounds))
                          : check{"postgres limit", finding_of(told.error(), *of.postgres)});
    }
    return answering;
}

// Why something was not told, in the last look.
struct silences {
    std::optional<error> service;
    std::optional<finding> redis_clients;
    std::optional<finding> postgres_sessions;
};

check_look look_at(const servers& of, const check_options& how, silences& why) {
    check_look look;
    why = {};
    if (of.admin_url) {
        auto told = inspect::ask_service(*of.admin_url, how.query.by());
        if (told) {
            look.service = std::move(*told);
        } else {
            why.service = std::move(told.error());
        }
    }
    const auto add = [&](const inspect::holder& one) {
        look.counted.add(one, how.rules().idle_in_transaction_max);
    };
    if (of.redis) {
        const auto told = ask_redis_holders(*of.redis, add, how.query.by());
        look.counted.has_redis = told.has_value();
        if (!told) why.redis_clients = finding_of(told.error(), *of.redis);
    }
    if (of.postgres) {
        const auto told = ask_postgres_holders(*of.postgres, add, how.query.by());
        look.counted.has_postgres = told.has_value();
        if (!told) why.postgres_sessions = finding_of(told.error(), *of.postgres);
    }
    return look;
}

// Again while what was seen may be a moment's.
std::vector<check_look> look_until_settled(const servers& of, const check_options& how,
                                           silences& why) {
    std::vector<check_look> looks;
    looks.push_back(look_at(of, how, why));
    while (may_pass(looks.back()) && looks.size() < looks_max) {
        std::this_thread::sleep_for(pause_between_looks);
        looks.push_back(look_at(of, how, why));
    }
    return looks;
}

// What the fleet can open at most, against what the server accepts; nothing when it did not tell.
void add_plan_check(std::string name, const server_plan& of, std::vector<check>& to) {
    const auto most = budget::usable(of.seen.limit.limit);
    if (!most) return;
    const auto text =
        fmt::format("the fleet can open {}, {} are usable: {}", budget::to_string(of.demand.total),
                    most->value(), budget::to_string(of.how));
    const auto how = of.how == budget::verdict::fits    ? level::ok
                     : of.how == budget::verdict::tight ? level::warning
                                                        : level::critical;
    to.push_back(
        {std::move(name),
         {how, text, how == level::ok ? "" : "Term by term, and what would fit: headroom plan"}});
}

void check_plan(const servers& of, const check_options& how, const config::sources& from,
                const inspect::service_status& service, std::vector<check>& to) {
    std::vector<finding> notes;
    const running_service running{service, of.shown_chatd()};
    auto fleet = plan_fleet({}, running, from, notes);
    if (!fleet) {
        to.push_back({"plan", {level::unknown, fleet.error(), {}}});
        return;
    }
    auto redis = look_at_redis(of.redis, {}, fleet->service, how.query.by());
    auto postgres = look_at_postgres(of.postgres, {}, fleet->service, how.query.by());
    const auto made =
        make_plan(std::move(*fleet), std::move(redis), std::move(postgres), std::move(notes));
    add_plan_check("redis plan", made.redis, to);
    add_plan_check("postgres plan", made.postgres, to);
}

std::vector<check> all_checks(const servers& of, const check_options& how,
                              const config::sources& from) {
    std::vector<check> all;
    const auto answering = check_limits(of, how, all);
    silences why;
    const auto looks = look_until_settled(answering, how, why);
    if (why.redis_clients) all.push_back({"redis clients", *why.redis_clients});
    if (why.postgres_sessions) all.push_back({"postgres sessions", *why.postgres_sessions});
    if (why.service) {
        all.push_back({"service",
                       {level::unknown,
                        fmt::format("chatd's admin port (from {}) did not tell: {}", of.admin_from,
                                    why.service->detail),
                        "Is chatd running? --admin names its admin port"}});
    } else if (!of.admin_url) {
        all.push_back({"service",
                       {level::ok, "not asked: no admin port is known",
                        "--admin http://127.0.0.1:8011 compares what workers report with what the "
                        "servers count"}});
    }
    if (const auto& service = looks.back().service) check_plan(answering, how, from, *service, all);
    for (auto& one : check_looks(looks, how.rules()))
        all.push_back(std::move(one));
    return all;
}

std::string to_text(const std::vector<check>& all, const paper& on) {
    std::size_t widest = 0;
    for (const auto& one : all)
        widest = std::max(widest, one.name.size());
    const std::size_t indent = 2 + 8 + 2 + widest + 2;
    std::size_t troubled = 0;
    std::string lines;
    for (const auto& one : all) {
        const auto word = to_string(one.found.how);
        if (one.found.how != level::ok) ++troubled;
        lines += "  " + on.paint(fmt::format("{:8}", word), ink_of(one.found.how)) +
                 fmt::format("  {:{}}  ", one.name, widest) +
                 wrap(one.found.what, on.width, indent, indent) + "\n";
        if (!one.found.advice.empty()) {
            lines += std::string(indent, ' ') +
                     on.paint(wrap(one.found.advice, on.width, indent, indent), ink::dim) + "\n";
        }
    }
    const auto worst = worst_of(all);
    const auto summary = troubled == 0 ? fmt::format("{} passed", count_of(all.size(), "check"))
                                       : fmt::format("{} of {} did not pass", troubled,
                                                     count_of(all.size(), "check"));
    return on.paint(to_string(worst), ink_of(worst)) + ": " + summary + "\n" + lines;
}

json::object to_json(const std::vector<check>& all) {
    auto whole = document("check", worst_of(all));
    json::array list;
    for (const auto& one : all) {
        list.push_back(json::object{
            {"name", one.name},
            {"level", to_string(one.found.how)},
            {"what", one.found.what},
            {"advice", one.found.advice.empty() ? json::value() : json::value(one.found.advice)}});
    }
    whole["checks"] = std::move(list);
    return whole;
}

int run_check(const check_options& how, const config::sources& from) {
    const auto found = find_servers(how.query, from);
    if (!found || (!found->redis && !found->postgres && !found->admin_url)) {
        return refuse("check", how.query.is_json, found ? no_servers_sentence() : found.error());
    }
    const auto all = all_checks(*found, how, from);
    if (how.query.is_json) {
        print(to_json(all));
    } else {
        print(to_text(all, how.query.on_paper()));
    }
    return static_cast<int>(worst_of(all));
}

}  // namespace

void add_check(CLI::App& app, invocation& run) {
    auto* command = app.add_subcommand("check", "one answer for cron and deploy pipelines");
    auto how = std::make_shared<check_options>();  // second owner: the callback
    add_thresholds_to(*command, how->bounds);
    command
        ->add_option("--idle-in-transaction", how->idle_in_transaction_seconds,
                     "seconds a session may idle in a transaction (default 60)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0, 31'536'000));
    command
        ->add_option("--foreign-max", how->foreign_max,
                     "how many foreign and unnamed connections are fine (default any)")
        ->type_name("N")
        ->check(CLI::Range(0, 1'000'000'000));
    how->query.add_to(*command);
    command->footer(
        "Checks the limits, the plan, the workers and their pools, drift between what\n"
        "workers report and the servers count, connections of dead processes and of\n"
        "executors, names, and idle transactions. What may be a passing moment must hold\n"
        "for four looks, a second apart.\n"
        "Exit codes: 0 ok, 1 warning, 2 critical, 3 unknown (a server did not tell).\n\n"
        "Examples:\n"
        "  headroom check\n"
        "  headroom check --warn 60 --crit 80 --admin http://127.0.0.1:8011\n"
        "  headroom check --json | jq -r '.checks[] | select(.level != \"ok\").what'");
    command->callback([how, &run] { run.exit_code = run_check(*how, run.from); });
}

}  // namespace headroom::tool
