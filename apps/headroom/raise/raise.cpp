// SPDX-License-Identifier: Apache-2.0
// headroom raise: how a server's limit is raised, and at Amazon, doing it.
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "headroom/command.hpp"
#include "headroom/raise/interruption.hpp"
#include "headroom/raise/raise_apply.hpp"
#include "headroom/raise/raise_case.hpp"
#include "headroom/raise/raise_report.hpp"
#include "headroom/show/document.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

// What Postgres itself accepts at most (MAX_BACKENDS, src/include/postmaster/postmaster.h).
constexpr std::uint64_t max_connections_most = 262'143;
constexpr std::uint64_t maxclients_most = 4'294'967'295;  // an unsigned int in Redis

// As Amazon names things: so that none is taken for an option of the aws program.
bool is_amazon_name(std::string_view text) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const auto allowed = std::string(letters) + "0123456789-.";
    return letters.contains(text.front()) &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

// Empty: the options make sense together.
std::string fault_of(const raise_options& how, bool is_postgres) {
    const std::pair<const char*, const std::string&> named[] = {
        {"--rds", how.rds},
        {"--rds-class", how.rds_class},
        {"--replication-group", how.replication_group},
        {"--cache-cluster", how.cache_cluster},
        {"--node-type", how.node_type},
        {"--region", how.aws.region}};
    for (const auto& [option, value] : named) {
        if (!value.empty() && !is_amazon_name(value)) {
            return fmt::format("{} {}: a letter, then letters, digits, '-' and '.' are expected",
                               option, value);
        }
    }
    if (how.aws.profile.starts_with('-')) return "--profile: the name of a profile is expected";
    const auto& url = how.aws.endpoint_url;
    if (!url.empty() && ((!url.starts_with("https://") && !url.starts_with("http://")) ||
                         url.contains('@') || url.contains(' ')))
        return "--endpoint-url: http://host:port or https://host:port is expected";
    if (!how.is_applied) {
        return how.is_confirmed || how.may_reboot ? "--yes and --reboot belong to --apply"
                                                  : std::string();
    }
    if (is_postgres && (how.rds.empty() || !how.to)) {
        return "--apply needs --rds ID and --to N: only what Amazon runs can be changed from here; "
               "for other servers the steps are printed";
    }
    if (!is_postgres &&
        ((how.replication_group.empty() && how.cache_cluster.empty()) || how.node_type.empty())) {
        return "--apply needs --replication-group ID or --cache-cluster ID, and --node-type TYPE: "
               "only what Amazon runs can be changed from here; for other servers the steps are "
               "printed";
    }
    if (!how.is_confirmed && !can_confirm()) {
        return "--apply asks before it changes anything, but standard input is no terminal: "
               "--yes says it beforehand";
    }
    return {};
}

json::array to_json(const std::vector<applied_step>& applied) {
    json::array all;
    for (const auto& one : applied) {
        all.push_back(json::object{
            {"title", one.what.title},
            {"command", json::array(one.what.command.begin(), one.what.command.end())},
            {"done", one.is_done},
            {"failure", one.failure.empty() ? json::value() : json::value(one.failure)}});
    }
    return all;
}

int show(const raise_case& of, const raise_options& how) {
    const auto worst = worst_of(of.findings);
    if (how.query.is_json) {
        auto whole = document("raise", worst);
        add_to_document(whole, of);
        whole["aws"] = nullptr;
        whole["applied"] = nullptr;
        whole["findings"] = to_json(of.findings);
        print(whole);
    } else {
        print(to_text(of, how.query.on_paper()));
    }
    return static_cast<int>(worst);
}

// Statements that nobody but a superuser of the server can run: aws has no word for them.
void note_left_over(const raise_case& of, std::vector<finding>& to) {
    for (const auto& one : of.steps) {
        if (one.command.empty() || one.command.front() != "psql") continue;
        to.push_back({level::warning, fmt::format("Left to you: {}", one.title),
                      to_shell(one.command, unlimited_width, 0)});
    }
}

int apply(raise_case of, const raise_options& how, const config::sources& from) {
    auto program = aws_program::find(from.variables);
    if (!program) return refuse("raise", how.query.is_json, program.error());
    const interruption heeded;
    const auto each = std::chrono::duration_cast<clock::duration>(
        std::chrono::duration<double>(how.aws_timeout_seconds));
    auto on = how.query.on_paper();
    if (how.query.is_json) on.is_coloured = false;
    step_runner runner(std::move(*program), each, on, how.query.is_json ? stderr : stdout);
    // Of what was found out so far; the verdict is of what becomes of the change.
    auto doubts = of.findings;
    std::erase_if(doubts, [](const finding& one) { return one.how == level::ok; });
    runner.say(text_before_steps(of, on) + "\n");
    if (!doubts.empty()) runner.say(to_text(doubts, on) + "\n");
    auto outcome = of.target == raise_target::rds ? apply_rds(of, how, runner)
                                                  : apply_elasticache(of, how, runner);
    if (worst_of(outcome.findings) != level::critical) note_left_over(of, outcome.findings);
    const auto worst = worst_of(outcome.findings);
    if (how.query.is_json) {
        of.steps = outcome.steps;
        of.steps_if_default_group.clear();
        auto whole = document("raise", worst);
        add_to_document(whole, of);
        whole["aws"] = outcome.found.empty() ? json::value() : json::value(outcome.found);
        whole["applied"] = to_json(runner.applied());
        whole["findings"] = to_json(outcome.findings);
        print(whole);
    } else {
        const auto said = static_cast<std::ptrdiff_t>(outcome.findings_said);
        outcome.findings.erase(outcome.findings.begin(), outcome.findings.begin() + said);
        runner.say("\n" + to_text(outcome.findings, on));
    }
    return static_cast<int>(worst);
}

using make_case = std::expected<raise_case, std::string>(const raise_options&, const servers&);

int run_raise(const raise_options& how, const config::sources& from, bool is_postgres) {
    if (const auto fault = fault_of(how, is_postgres); !fault.empty()) {
        complain(fault);
        return usage_error;
    }
    auto found = find_servers(how.query, from);
    if (!found) return refuse("raise", how.query.is_json, found.error());
    // What is named at Amazon is no server that a chatd on this host brought itself.
    if (!how.rds.empty() && found->postgres && found->postgres->is_of_chatd())
        found->postgres.reset();
    const bool is_cache_named = !how.replication_group.empty() || !how.cache_cluster.empty();
    if (is_cache_named && found->redis && found->redis->is_of_chatd()) found->redis.reset();
    make_case* const make = is_postgres ? postgres_case : redis_case;
    auto made = make(how, *found);
    if (!made) return refuse("raise", how.query.is_json, made.error());
    if (how.is_applied && !made->is_settled) return apply(std::move(*made), how, from);
    return show(*made, how);
}

void add_aws_options(CLI::App& command, raise_options& how) {
    const auto group = "Amazon";
    command.add_option("--region", how.aws.region, "passed on to aws")
        ->group(group)
        ->type_name("NAME");
    command.add_option("--profile", how.aws.profile, "passed on to aws")
        ->group(group)
        ->type_name("NAME");
    command.add_option("--endpoint-url", how.aws.endpoint_url, "passed on to aws")
        ->group(group)
        ->type_name("URL");
    command.add_flag("--apply", how.is_applied, "run the steps with the aws program")->group(group);
    command.add_flag("--yes", how.is_confirmed, "with --apply: do not ask")->group(group);
    command.add_option("--wait", how.wait_seconds, "for the change to be there (default 900)")
        ->group(group)
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));
    command
        .add_option("--aws-timeout", how.aws_timeout_seconds, "for each call of aws (default 60)")
        ->group(group)
        ->type_name("SECONDS")
        ->check(seconds_between(1, 3600));
}

constexpr const char* exit_codes =
    "Without --apply nothing is changed: the steps are printed.\n"
    "Exit codes: 0 ok, 1 a warning, or a change waits for its reboot, 2 a step failed or\n"
    "cannot help, 3 a server did not tell, or aws is missing, 64 wrong usage.\n\n"
    "Examples:\n";

void add_postgres(CLI::App& raise, invocation& run) {
    auto* command = raise.add_subcommand("postgres", "max_connections, and CONNECTION LIMITs");
    auto how = std::make_shared<raise_options>();  // second owner: the callback
    command->add_option("--to", how->to, "the wanted value; without it, what there is")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, max_connections_most));
    command->add_option("--rds", how->rds, "the RDS instance it is for")
        ->group("Amazon")
        ->type_name("ID");
    command->add_option("--rds-class", how->rds_class, "its class: db.m6g.large")
        ->group("Amazon")
        ->type_name("CLASS");
    add_aws_options(*command, *how);
    command->add_flag("--reboot", how->may_reboot, "with --apply: reboot the instance, too")
        ->group("Amazon");
    how->query.add_to(*command);
    command->footer(std::string(exit_codes) +
                    "  headroom raise postgres\n"
                    "  headroom raise postgres --to 300\n"
                    "  headroom raise postgres --rds chat-db --rds-class db.m6g.large --to 300\n"
                    "  headroom raise postgres --rds chat-db --to 300 --apply\n"
                    "  headroom raise postgres --rds chat-db --to 300 --apply --yes --reboot");
    command->callback([how, &run] { run.exit_code = run_raise(*how, run.from, true); });
}

void add_redis(CLI::App& raise, invocation& run) {
    auto* command = raise.add_subcommand("redis", "maxclients");
    auto how = std::make_shared<raise_options>();  // second owner: the callback
    command->add_option("--to", how->to, "the wanted value; without it, what there is")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, maxclients_most));
    auto* group = command
                      ->add_option("--replication-group", how->replication_group,
                                   "the ElastiCache replication group it is for")
                      ->group("Amazon")
                      ->type_name("ID");
    command
        ->add_option("--cache-cluster", how->cache_cluster,
                     "or the ElastiCache cluster without a group")
        ->group("Amazon")
        ->type_name("ID")
        ->excludes(group);
    command->add_option("--node-type", how->node_type, "the wanted one: cache.m7g.large")
        ->group("Amazon")
        ->type_name("TYPE");
    add_aws_options(*command, *how);
    how->query.add_to(*command);
    command->footer(
        std::string(exit_codes) +
        "  headroom raise redis --to 20000\n"
        "  headroom raise redis --replication-group chat --node-type cache.m7g.large\n"
        "  headroom raise redis --cache-cluster chat --node-type cache.m7g.large --apply");
    command->callback([how, &run] { run.exit_code = run_raise(*how, run.from, false); });
}

}  // namespace

void add_raise(CLI::App& app, invocation& run) {
    auto* command = app.add_subcommand("raise", "how a limit is raised; at Amazon, doing it");
    command->require_subcommand(1);
    command->footer(
        "Examples:\n"
        "  headroom raise postgres --to 300     the steps; nothing is changed\n"
        "  headroom raise redis --to 20000\n"
        "  headroom raise postgres --help       the options, and how to apply them");
    add_postgres(*command, run);
    add_redis(*command, run);
}

}  // namespace headroom::tool
