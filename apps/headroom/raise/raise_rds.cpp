// SPDX-License-Identifier: Apache-2.0
// Applying to RDS: the parameter group of one instance, and the instance's reboot.
#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "budget/instance_classes.hpp"
#include "headroom/raise/aws_answers.hpp"
#include "headroom/raise/interruption.hpp"
#include "headroom/raise/raise_apply.hpp"
#include "headroom/raise/raise_report.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

// What the looks told.
struct rds_found {
    aws_caller caller;
    rds_instance instance;
    std::vector<std::string> others;   // on the same group
    std::optional<std::string> value;  // of max_connections in the group

    [[nodiscard]] bool is_on_default_group() const {
        return instance.group.starts_with(default_group_prefix);
    }
    [[nodiscard]] std::optional<std::uint64_t> number() const {
        std::uint64_t parsed = 0;
        if (!value) return std::nullopt;
        const auto* end = value->data() + value->size();
        const auto read = std::from_chars(value->data(), end, parsed);
        return read.ec == std::errc() && read.ptr == end ? std::optional(parsed) : std::nullopt;
    }
};

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

// Every look before anything is changed; the error is a sentence.
std::expected<rds_found, std::string> look_around(const std::string& id, const aws_access& with,
                                                  const step_runner& runner) {
    rds_found found;
    const auto who = runner.look(caller_look(with), parse_caller);
    if (!who) return std::unexpected("who calls is not known: " + who.error());
    found.caller = *who;
    const auto all = runner.look(rds_instances_look(with), parse_rds_instances);
    if (!all) return std::unexpected("the instances cannot be listed: " + all.error());
    const auto ours = std::ranges::find(*all, lower(id), &rds_instance::id);  // RDS keeps them so
    if (ours == all->end()) {
        return std::unexpected(
            fmt::format("account {} has no RDS instance {} in this region, among {}: see --region "
                        "and --profile",
                        who->account, id, count_of(all->size(), "instance")));
    }
    found.instance = *ours;
    if (found.instance.group.empty())
        return std::unexpected(fmt::format("{} has no parameter group", id));
    for (const auto& one : *all) {
        if (one.group == found.instance.group && one.id != found.instance.id)
            found.others.push_back(one.id);
    }
    const rds_names names{.instance = found.instance.id, .group = found.instance.group};
    const auto value = runner.look(rds_parameter_look(names, with), parse_rds_parameter);
    if (!value)
        return std::unexpected("the value of max_connections is not known: " + value.error());
    found.value = *value;
    return found;
}

std::string names_of(const std::vector<std::string>& all) {
    return all.empty() ? std::string("none") : fmt::format("{}", fmt::join(all, ", "));
}

std::string text_of(const rds_found& found, const paper& on) {
    const auto& at = found.instance;
    std::string out;
    // Names are long, so that a table would cut them: a line each.
    const auto add = [&](std::string_view name, const std::string& value) {
        out += fmt::format("  {:<17}  {}\n", name, wrap(value, on.width, 21, 21));
    };
    add("caller", found.caller.arn);
    add("account", found.caller.account);
    add("region", region_of(at.arn));
    add("instance", fmt::format("{}, {}, {} {}, {}", at.id, at.instance_class, at.engine,
                                at.version, at.status));
    if (!at.cluster.empty()) add("Aurora cluster", at.cluster);
    add("parameter group", fmt::format("{}, {}", at.group, at.group_status));
    add("also on the group", names_of(found.others));
    add("max_connections", found.value.value_or("not set"));
    return "\n" + on.paint("What RDS tells", ink::bold) + "\n" + out;
}

json::object to_json(const rds_found& found) {
    const auto& at = found.instance;
    return {{"caller", found.caller.arn},
            {"account", found.caller.account},
            {"region", region_of(at.arn)},
            {"instance", at.id},
            {"instance_class", at.instance_class},
            {"engine", at.engine},
            {"status", at.status},
            {"parameter_group", at.group},
            {"parameter_group_status", at.group_status},
            {"other_instances", json::array(found.others.begin(), found.others.end())},
            {"max_connections", or_null(found.value)}};
}

// What the instance has when its group gives no number; empty when that is not known.
std::optional<std::uint64_t> given_by_formula(const rds_found& found) {
    const auto its_class = budget::find_rds_class(found.instance.instance_class);
    if (found.number() || !its_class) return std::nullopt;
    return its_class->max_connections.value();
}

// What forbids to go on; empty: nothing does.
std::optional<finding> objection(const rds_found& found, std::uint64_t wanted, bool is_live) {
    const auto& at = found.instance;
    if (at.engine.find("postgres") == std::string::npos) {
        return finding{level::critical,
                       fmt::format("{} is no Postgres: its engine is {}", at.id, at.engine),
                       {}};
    }
    if (found.is_on_default_group()) {
        return finding{level::critical,
                       fmt::format("{} is on {}, which Amazon lets nobody edit", at.id, at.group),
                       "Give it a parameter group of its own with the steps above, then run the "
                       "same command again."};
    }
    if (found.number().value_or(0) > wanted) {
        return finding{level::critical,
                       fmt::format("{} sets max_connections to {}, more than {}: this command "
                                   "lowers nothing",
                                   at.group, *found.value, wanted),
                       {}};
    }
    if (const auto given = given_by_formula(found); !is_live && given && *given >= wanted) {
        return finding{level::critical,
                       fmt::format("{} leaves max_connections to Amazon's formula, which gives {} "
                                   "about {} (assumed): {} would lower it",
                                   at.group, at.instance_class, *given, wanted),
                       "If the server says less than is wanted, name it: --postgres URL"};
    }
    if (at.status != "available") {
        return finding{
            level::critical,
            fmt::format("{} is not available but {}: nothing was changed", at.id, at.status),
            "Wait until it is, and run the same command again."};
    }
    auto memory = judge_rds_class(at.instance_class, wanted, at.id);
    if (memory.how == level::critical) return memory;
    return std::nullopt;
}

// Those that are still to be done.
std::vector<step> steps_left(const rds_found& found, std::uint64_t wanted, bool may_reboot,
                             const aws_access& with) {
    const rds_names names{.instance = found.instance.id, .group = found.instance.group};
    std::vector<step> left;
    if (found.number() != wanted) left.push_back(rds_set_parameter(names, wanted, with));
    if (left.empty() && found.instance.group_status == "in-sync") return left;
    left.push_back(rds_reboot(names, with));
    if (!may_reboot) left.back().note = "Only with --reboot; without it, this is left to you.";
    return left;
}

awaited judge_instance(std::string_view text) {
    const auto told = parse_rds_instances(text);
    if (!told) return {.is_there = false, .state = told.error()};
    if (told->empty()) return {.is_there = false, .state = "it is not listed"};
    const auto& one = told->front();
    return {.is_there = one.status == "available" && one.group_status == "in-sync",
            .state = fmt::format("{}, parameters {}", one.status, one.group_status)};
}

finding left_pending(const step& reboot) {
    return {level::warning, "The new value waits for the instance's reboot",
            fmt::format("When it suits: the same command with --reboot, or {}",
                        to_shell(reboot.command, unlimited_width, 0))};
}

// The steps, each with the look that proves it. What it returns comes last of the findings.
finding carry_out(const std::vector<step>& steps, const rds_found& found, std::uint64_t wanted,
                  const raise_options& how, step_runner& runner) {
    const rds_names names{.instance = found.instance.id, .group = found.instance.group};
    for (const auto& one : steps) {
        if (one.does == effect::restarts && !how.may_reboot) return left_pending(one);
        if (!runner.run(one)) return runner.failure_among(steps);
        if (one.does != effect::restarts) {
            const auto value = runner.look(rds_parameter_look(names, how.aws), parse_rds_parameter);
            if (value && *value == fmt::format("{}", wanted)) continue;
            return {level::critical,
                    fmt::format("The group does not show {} after the change: {}", wanted,
                                value ? value->value_or("not set") : value.error()),
                    "Nothing after it was done. Look at the group before anything else."};
        }
        const auto look = rds_instance_look(names, how.aws);
        runner.say(fmt::format("Waiting until it is available again, {} at most\n",
                               to_words(std::chrono::seconds(how.wait_seconds))));
        const deadline by = clock::now() + std::chrono::seconds(how.wait_seconds);
        if (!wait_until_there(look, judge_instance, runner, by)) {
            return {level::critical,
                    interruption::was_asked_for()
                        ? "Interrupted before the instance was available and in sync"
                        : fmt::format("The instance was not available and in sync within {}",
                                      to_words(std::chrono::seconds(how.wait_seconds))),
                    fmt::format("The reboot was asked for and may still end well. Look again: {}",
                                to_shell(look.command, unlimited_width, 0))};
        }
    }
    return {level::ok,
            fmt::format("max_connections is {} in {}, and {} is available and in sync with it",
                        wanted, found.instance.group, found.instance.id),
            "See it on the server: headroom limits"};
}

void warn_of_others(const rds_found& found, std::vector<finding>& to) {
    if (!found.others.empty()) {
        to.push_back({level::ok,
                      fmt::format("The group is shared: {} will have the new value after the next "
                                  "reboot, too",
                                  names_of(found.others)),
                      {}});
    }
    if (!found.instance.cluster.empty()) {
        to.push_back({level::ok,
                      fmt::format("{} belongs to the Aurora cluster {}: its other instances keep "
                                  "what their own groups say",
                                  found.instance.id, found.instance.cluster),
                      {}});
    }
}

}  // namespace

apply_outcome apply_rds(const raise_case& of, const raise_options& how, step_runner& runner) {
    apply_outcome outcome;
    const auto wanted = *of.wanted;
    const auto found = look_around(of.id, how.aws, runner);
    if (!found) {
        outcome.findings.push_back({level::critical, "Nothing was changed: " + found.error(), {}});
        return outcome;
    }
    const auto& on = runner.on();
    outcome.found = to_json(*found);
    runner.say(text_of(*found, on));
    if (found->is_on_default_group()) {
        outcome.steps = rds_own_group_steps(
            {.instance = found->instance.id,
             .family = found->instance.group.substr(default_group_prefix.size())},
            wanted, how.aws);
        runner.say("\n" + text_of_steps("Steps (nothing was changed)", outcome.steps, on));
    }
    if (auto why = objection(*found, wanted, !of.now.empty())) {
        outcome.findings.push_back(std::move(*why));
        return outcome;
    }
    outcome.findings.push_back(
        judge_rds_class(found->instance.instance_class, wanted, found->instance.id));
    warn_of_others(*found, outcome.findings);
    outcome.steps = steps_left(*found, wanted, how.may_reboot, how.aws);
    if (outcome.steps.empty()) {
        outcome.findings.push_back(
            {level::ok,
             fmt::format("Nothing to do: {} sets max_connections to {}, and {} is in sync with it",
                         found->instance.group, wanted, found->instance.id),
             {}});
        return outcome;
    }
    runner.say("\n" + text_of_steps("Steps", outcome.steps, on) + "\n" +
               to_text(outcome.findings, on));
    outcome.findings_said = outcome.findings.size();
    const bool is_change = outcome.steps.front().does != effect::restarts || how.may_reboot;
    if (is_change && !how.is_confirmed && !runner.confirm("This is run now, with aws.")) {
        outcome.findings.push_back({level::warning, "Not confirmed: nothing was changed", {}});
        return outcome;
    }
    auto last = carry_out(outcome.steps, *found, wanted, how, runner);
    outcome.findings.push_back(std::move(last));
    return outcome;
}

}  // namespace headroom::tool
