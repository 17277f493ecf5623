// SPDX-License-Identifier: Apache-2.0
// headroom config env: what can be set, as the tables that chatd itself reads by.
#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/gateway_table.hpp"
#include "config/variable_table.hpp"
#include "headroom/ask/query_options.hpp"
#include "headroom/config/config.hpp"
#include "headroom/config/config_source.hpp"
#include "headroom/show/document.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

struct env_options {
    query_options output;
    bool is_markdown = false;
};

// As `config show` names it.
std::string name_of(const config::document_key& row) {
    return row.section.empty() ? std::string(row.key) : fmt::format("{}.{}", row.section, row.key);
}

// The name, and beside it what it means; below it where the name is long or the paper narrow.
std::string entry(const std::string& name, const std::string& meaning, const paper& on) {
    constexpr std::size_t narrow = 70;  // the longest word needs half of it
    const std::size_t beside = on.width < narrow ? 4 : 32;
    auto rest = wrap(meaning, on.width - beside, 0);
    std::string text = on.paint(name, ink::bold);
    const bool is_below = name.size() + 2 > beside;
    text += is_below ? "\n" + std::string(beside, ' ') : std::string(beside - name.size(), ' ');
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
        text += rest.substr(0, end + 1) + std::string(beside, ' ');
        rest.erase(0, end + 1);
    }
    return text + rest + "\n";
}

std::string described(std::string_view meaning, std::string_view default_text,
                      std::string_view variable) {
    const auto wins = variable.empty() ? std::string() : fmt::format("; {} wins", variable);
    return fmt::format("{} [{}{}]", without_markdown(meaning), without_markdown(default_text),
                       wins);
}

std::string to_text(const paper& on) {
    auto text = on.paint("Environment", ink::bold) + ", with the defaults in brackets\n\n";
    for (const auto& row : config::variables())
        text += entry(std::string(row.name), described(row.meaning, row.default_text, {}), on);
    text += "\n" + on.paint("Gateway document", ink::bold) + "\n\n";
    for (const auto& row : config::document_keys())
        text += entry(name_of(row), described(row.meaning, row.default_text, row.variable), on);
    text += "\n" + on.paint("Internal", ink::bold) + ", set by the supervisor for its workers\n\n";
    for (const auto& row : config::internal_variables())
        text += entry(std::string(row.name), without_markdown(row.meaning), on);
    return text;
}

json::object to_json() {
    json::array variables;
    for (const auto& row : config::variables()) {
        variables.push_back(json::object{{"name", row.name},
                                         {"default", without_markdown(row.default_text)},
                                         {"meaning", without_markdown(row.meaning)},
                                         {"is_secret", row.shown != config::exposure::plain}});
    }
    json::array keys;
    for (const auto& row : config::document_keys()) {
        keys.push_back(json::object{
            {"name", name_of(row)},
            {"default", without_markdown(row.default_text)},
            {"meaning", without_markdown(row.meaning)},
            {"variable", row.variable.empty() ? json::value() : json::value(row.variable)}});
    }
    json::array internal;
    for (const auto& row : config::internal_variables()) {
        internal.push_back(json::object{{"name", row.name}, {"meaning", row.meaning}});
    }
    auto whole = document("config.env", level::ok);
    whole["variables"] = std::move(variables);
    whole["gateway_keys"] = std::move(keys);
    whole["internal"] = std::move(internal);
    return whole;
}

int run_env(const env_options& how) {
    if (how.is_markdown) {
        print(config::environment_markdown());
    } else if (how.output.is_json) {
        print(to_json());
    } else {
        print(to_text(how.output.on_paper()));
    }
    return static_cast<int>(level::ok);
}

}  // namespace

void add_config_env(CLI::App& config, invocation& run) {
    auto* command = config.add_subcommand("env", "the variables, their defaults and meanings");
    auto how = std::make_shared<env_options>();  // second owner: the callback
    how->output.add_output_to(*command);
    command->add_flag("--markdown", how->is_markdown, "docs/environment.md, as it is written")
        ->excludes("--json");
    command->footer(
        "Examples:\n"
        "  headroom config env\n"
        "  headroom config env --markdown > docs/environment.md");
    command->callback([how, &run] { run.exit_code = run_env(*how); });
}

}  // namespace headroom::tool
