// SPDX-License-Identifier: Apache-2.0
// headroom config check: would chatd start with this, and what would it warn of.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "headroom/ask/query_options.hpp"
#include "headroom/config/config.hpp"
#include "headroom/config/config_source.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/finding.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

struct check_options {
    query_options output;
    std::string file;
};

// What chatd would say at its start.
struct outcome {
    config::faults faults;
    std::vector<std::string> warnings;

    [[nodiscard]] level worst() const {
        if (!faults.empty()) return level::critical;
        return warnings.empty() ? level::ok : level::warning;
    }
};

outcome check(const config::sources& from, const std::string& file) {
    auto loaded = load_as_chatd(from, file);
    if (!loaded) return {.faults = std::move(loaded.error()), .warnings = {}};
    return {.faults = {}, .warnings = std::move(loaded->warnings)};
}

std::string to_text(const outcome& of, const paper& on) {
    std::vector<finding> all;
    for (const auto& one : of.faults) {
        all.push_back({level::critical,
                       fmt::format("{}: found {}; expected {}", one.name, one.found, one.expected),
                       one.advice});
    }
    for (const auto& one : of.warnings)
        all.push_back({level::warning, one, {}});
    const auto text = to_text(all, on);
    if (!of.faults.empty()) {
        return text +
               fmt::format("{}: chatd would not start.\n", count_of(of.faults.size(), "fault"));
    }
    if (!of.warnings.empty()) {
        return text + fmt::format("No faults, {}: chatd would start.\n",
                                  count_of(of.warnings.size(), "warning"));
    }
    return on.paint("fine", ink::green) + ": no faults, no warnings\n";
}

int run_check(const check_options& how, config::sources from) {
    if (!how.file.empty()) {
        auto other = with_document(std::move(from), how.file);
        if (!other) {
            complain(other.error());
            return usage_error;
        }
        from = std::move(*other);
    }
    const auto found = check(from, how.file);
    if (how.output.is_json) {
        auto whole = document("config.check", found.worst());
        whole["faults"] = to_json(found.faults);
        whole["warnings"] = json::array(found.warnings.begin(), found.warnings.end());
        print(whole);
    } else {
        print(to_text(found, how.output.on_paper()));
    }
    return static_cast<int>(found.worst());
}

}  // namespace

void add_config_check(CLI::App& config, invocation& run) {
    auto* command = config.add_subcommand("check", "all faults at once, then the warnings");
    auto how = std::make_shared<check_options>();  // second owner: the callback
    command->add_option("--config", how->file, "a gateway document, in place of the environment's")
        ->type_name("FILE");
    how->output.add_output_to(*command);
    command->footer(
        "FILE is JSON or YAML, by its name or its first character. Warnings are told when there\n"
        "are no faults.\n"
        "Exit codes: 0 fine, 1 warnings, 2 faults: chatd would not start.\n\n"
        "Examples:\n"
        "  headroom config check\n"
        "  headroom config check --config gateway.yaml --json");
    command->callback([how, &run] { run.exit_code = run_check(*how, run.from); });
}

}  // namespace headroom::tool
