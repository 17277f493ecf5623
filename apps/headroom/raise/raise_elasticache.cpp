// SPDX-License-Identifier: Apache-2.0
// Applying to ElastiCache: a larger node type for a replication group, or for a cluster without
// one.
#include <fmt/format.h>

#include "budget/instance_classes.hpp"
#include "headroom/raise/aws_answers.hpp"
#include "headroom/raise/interruption.hpp"
#include "headroom/raise/raise_apply.hpp"
#include "headroom/raise/raise_report.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

struct cache_found {
    aws_caller caller;
    cache_state state;
};

std::expected<cache_found, std::string> look_around(const cache_names& names,
                                                    const aws_access& with,
                                                    const step_runner& runner) {
    const auto who = runner.look(caller_look(with), parse_caller);
    if (!who) return std::unexpected("who calls is not known: " + who.error());
    const auto state = runner.look(cache_look(names, with), parse_cache);
    if (!state)
        return std::unexpected(fmt::format("{} cannot be looked at: {}", names.id, state.error()));
    return cache_found{.caller = *who, .state = *state};
}

std::string text_of(const cache_found& found, const cache_names& names, const paper& on) {
    std::string out;
    const auto add = [&](std::string_view name, const std::string& value) {
        out += fmt::format("  {:<17}  {}\n", name, wrap(value, on.width, 21, 21));
    };
    add("caller", found.caller.arn);
    add("account", found.caller.account);
    add("region", region_of(found.state.arn));
    add(names.kind == cache_kind::cluster ? "cluster" : "replication group",
        fmt::format("{}, {}", names.id, found.state.status));
    add("node type", found.state.node_type);
    return "\n" + on.paint("What ElastiCache tells", ink::bold) + "\n" + out;
}

json::object to_json(const cache_found& found, const cache_names& names) {
    return {{"caller", found.caller.arn},           {"account", found.caller.account},
            {"region", region_of(found.state.arn)}, {"id", names.id},
            {"status", found.state.status},         {"node_type", found.state.node_type}};
}

std::optional<finding> objection(const cache_found& found, const cache_names& names) {
    if (!found.state.member_of.empty()) {
        return finding{level::critical,
                       fmt::format("{} belongs to the replication group {}, which is scaled as a "
                                   "whole",
                                   names.id, found.state.member_of),
                       fmt::format("--replication-group {} in place of --cache-cluster",
                                   found.state.member_of)};
    }
    if (found.state.status != "available") {
        return finding{level::critical,
                       fmt::format("{} is not available but {}: nothing was changed", names.id,
                                   found.state.status),
                       "Wait until it is, and run the same command again."};
    }
    const auto present = budget::find_elasticache_node(found.state.node_type);
    const auto next = budget::find_elasticache_node(names.node_type);
    if (present && next && next->memory_bytes < present->memory_bytes) {
        return finding{level::critical,
                       fmt::format("{} has less memory ({}) than {} has ({}): this command scales "
                                   "nothing down",
                                   names.node_type, bytes_to_words(next->memory_bytes),
                                   found.state.node_type, bytes_to_words(present->memory_bytes)),
                       {}};
    }
    return std::nullopt;
}

finding carry_out(const step& scale, const cache_names& names, const raise_options& how,
                  step_runner& runner) {
    if (!runner.run(scale)) return runner.failure_among({scale});
    const auto look = cache_look(names, how.aws);
    const auto wait = std::chrono::seconds(how.wait_seconds);
    runner.say(fmt::format("Waiting until it is available with {}, {} at most\n", names.node_type,
                           to_words(wait)));
    const auto judge = [&](std::string_view text) -> awaited {
        const auto told = parse_cache(text);
        if (!told) return {.is_there = false, .state = told.error()};
        return {.is_there = told->status == "available" && told->node_type == names.node_type,
                .state = fmt::format("{}, {}", told->status, told->node_type)};
    };
    if (!wait_until_there(look, judge, runner, clock::now() + wait)) {
        return {level::critical,
                interruption::was_asked_for()
                    ? fmt::format("Interrupted before {} was available with {}", names.id,
                                  names.node_type)
                    : fmt::format("{} was not available with {} within {}", names.id,
                                  names.node_type, to_words(wait)),
                fmt::format("The change was asked for and may still end well. Look again: {}",
                            to_shell(look.command, unlimited_width, 0))};
    }
    return {level::ok, fmt::format("{} is available with {}", names.id, names.node_type),
            "See what it accepts now: headroom limits"};
}

}  // namespace

apply_outcome apply_elasticache(const raise_case& of, const raise_options& how,
                                step_runner& runner) {
    apply_outcome outcome;
    const cache_names names{.kind = of.target == raise_target::elasticache_cluster
                                        ? cache_kind::cluster
                                        : cache_kind::replication_group,
                            .id = of.id,
                            .node_type = how.node_type};
    const auto found = look_around(names, how.aws, runner);
    if (!found) {
        outcome.findings.push_back({level::critical, "Nothing was changed: " + found.error(), {}});
        return outcome;
    }
    outcome.found = to_json(*found, names);
    runner.say(text_of(*found, names, runner.on()));
    if (found->state.node_type == names.node_type) {
        outcome.findings.push_back(
            {level::ok,
             fmt::format("Nothing to do: {} has {} already", names.id, names.node_type),
             {}});
        return outcome;
    }
    if (auto why = objection(*found, names)) {
        outcome.findings.push_back(std::move(*why));
        return outcome;
    }
    outcome.steps = {cache_scale(names, how.aws)};
    runner.say("\n" + text_of_steps("Steps", outcome.steps, runner.on()));
    if (!how.is_confirmed && !runner.confirm("This is run now, with aws.")) {
        outcome.findings.push_back({level::warning, "Not confirmed: nothing was changed", {}});
        return outcome;
    }
    outcome.findings.push_back(carry_out(outcome.steps.front(), names, how, runner));
    return outcome;
}

}  // namespace headroom::tool
