// SPDX-License-Identifier: Apache-2.0
// headroom plan: what the fleet can open at most, term by term, against what the servers accept.
#include <CLI/CLI.hpp>

#include "headroom/ask/query_options.hpp"
#include "headroom/ask/servers.hpp"
#include "headroom/command.hpp"
#include "headroom/plan/plan_report.hpp"
#include "headroom/show/document.hpp"

namespace headroom::tool {
namespace {

struct plan_options {
    query_options query;
    fleet_flags fleet;
    limit_flags limits;
};

// A service that was named and does not answer is a fault; one that a file remembers may be gone.
std::optional<running_service> ask_running(const servers& found, deadline by,
                                           std::vector<finding>& notes) {
    if (!found.admin_url) return std::nullopt;
    auto told = inspect::ask_service(*found.admin_url, by);
    if (told) return running_service{std::move(*told), found.shown_chatd()};
    const bool is_named = found.admin_from == "--admin";
    notes.push_back({is_named ? level::unknown : level::ok,
                     "chatd (from " + found.admin_from + ") did not tell: " + told.error().what(),
                     "The fleet is what the environment and the flags say; --offline asks nobody"});
    return std::nullopt;
}

std::expected<plan, std::string> work_out(const plan_options& how, const config::sources& from) {
    servers found;
    if (!how.limits.is_offline) {
        auto known = find_servers(how.query, from);
        if (!known) return std::unexpected(known.error());
        found = std::move(*known);
    }
    std::vector<finding> notes;
    const auto running = ask_running(found, how.query.by(), notes);
    auto fleet = plan_fleet(how.fleet, running, from, notes);
    if (!fleet) return std::unexpected(fleet.error());
    auto redis = look_at_redis(found.redis, how.limits, fleet->service, how.query.by());
    auto postgres = look_at_postgres(found.postgres, how.limits, fleet->service, how.query.by());
    return make_plan(std::move(*fleet), std::move(redis), std::move(postgres), std::move(notes));
}

int run_plan(const plan_options& how, const config::sources& from) {
    const auto worked_out = work_out(how, from);
    if (!worked_out) return refuse("plan", how.query.is_json, worked_out.error());
    if (how.query.is_json) {
        auto whole = document("plan", worked_out->worst());
        for (auto& [key, value] : to_json(*worked_out))
            whole[key] = std::move(value);
        print(whole);
    } else {
        print(to_text(*worked_out, how.query.on_paper()));
    }
    return static_cast<int>(worked_out->worst());
}

}  // namespace

void add_plan(CLI::App& app, invocation& run) {
    auto* command = app.add_subcommand("plan", "what the fleet can open, and whether it fits");
    auto how = std::make_shared<plan_options>();  // second owner: the callback
    how->fleet.add_to(*command);
    how->limits.add_to(*command);
    how->query.add_to(*command);
    command->footer(
        "Flags win; then --config; without it the running service (its admin port);\n"
        "then the environment. With servers to ask, connections that are not our\n"
        "service's are counted and added as `others`, and instances are those that its\n"
        "connections name.\n"
        "Exit codes: 0 fits, 1 tight or a warning, 2 exceeds or unbounded, 3 unknown.\n\n"
        "Examples:\n"
        "  headroom plan                        the fleet as it is, against its servers\n"
        "  headroom plan --instances 4          what does one more instance cost?\n"
        "  headroom plan --surge 3              and a rolling deploy of three?\n"
        "  headroom plan --redis-max unset      what an unset cap means\n"
        "  headroom plan --offline --instances 3 --workers 8 --redis-max 10 --pg-max 5 \\\n"
        "      --elasticache-node cache.t4g.small --rds-class db.m6g.large\n"
        "  headroom plan --config gateway.yaml --pg-max-connections 200 --json");
    command->callback([how, &run] { run.exit_code = run_plan(*how, run.from); });
}

}  // namespace headroom::tool
