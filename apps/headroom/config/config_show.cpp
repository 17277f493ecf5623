// SPDX-License-Identifier: Apache-2.0
// headroom config show: every setting with its value and where that came from, and what follows
// from them.
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/client_name.hpp"
#include "budget/demand.hpp"
#include "config/capacity.hpp"
#include "config/gateway_document.hpp"
#include "headroom/ask/query_options.hpp"
#include "headroom/config/config.hpp"
#include "headroom/config/config_source.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/finding.hpp"
#include "headroom/show/table.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

constexpr std::int64_t longest_pid = 4'194'304;  // PID_MAX_LIMIT of Linux

struct show_options {
    query_options output;
    std::string file;
};

// What follows from the settings.
struct derived {
    std::string client_name;  // "chat:web-1:<pid>:<kind>"
    std::uint64_t workers = 0;
    std::optional<connection_count> redis_pool_max;  // empty: unbounded
    budget::amount redis_per_worker;
    budget::amount redis_per_instance;
    connection_count executors_per_worker;
    connection_count pg_pool_min;
    connection_count pg_pool_max;
    budget::amount pg_per_instance;
    std::uint64_t open_files = 0;
};

derived derive(const config::settings& from) {
    const auto fleet = config::fleet_of(from, instance_count(1));
    // Cut as the longest would be, so that this is the beginning of every name.
    const auto name = parse_client_name(format_client_name(
        {.prefix = from.name_prefix, .instance = from.instance, .pid = longest_pid},
        pool_kind::async));
    return {
        .client_name = name ? fmt::format("{}:{}:<pid>:<kind>", name->prefix, name->instance) : "?",
        .workers = from.capacity.processes_per_instance.value(),
        .redis_pool_max = from.redis.connections_max,
        .redis_per_worker = budget::redis_per_process(fleet),
        .redis_per_instance = budget::redis_demand(fleet).total,
        .executors_per_worker = config::executors_per_worker(from),
        .pg_pool_min = from.postgres.pool_min,
        .pg_pool_max = from.postgres.pool_max,
        .pg_per_instance = budget::postgres_per_instance(fleet),
        .open_files = config::open_files_needed(from).total};
}

std::string source_of(const config::resolved_setting& one, const std::string& file) {
    const bool is_document =
        one.name == config::gateway_json_variable || one.name == config::gateway_yaml_variable;
    if (!file.empty() && is_document && one.from != config::origin::built_in) return "--config";
    return std::string(to_string(one.from));
}

// --- as text -------------------------------------------------------------------------------------

// Variables and the keys of the document are two tables: their names differ in length by half a
// line.
std::string settings_text(const config::settings& from, const std::string& file, const paper& on) {
    const auto new_table = [](const char* header) {
        return table(
            {{.header = header}, {.header = "VALUE", .width_min = 10}, {.header = "FROM"}});
    };
    auto variables = new_table("VARIABLE");
    auto keys = new_table("KEY OF THE GATEWAY DOCUMENT");
    for (const auto& one : from.resolved) {
        const bool is_given = one.from != config::origin::built_in;
        const bool is_key = one.name.find('.') != std::string::npos;
        (is_key ? keys : variables)
            .add({{one.name},
                  {is_given ? one.value : without_markdown(one.value),
                   is_given ? ink::bold : ink::plain},
                  {source_of(one, file), is_given ? ink::bold : ink::dim}});
    }
    return variables.render(on) + "\n" + keys.render(on);
}

std::string derived_text(const derived& of, const paper& on) {
    table facts({{.header = ""}, {.header = "", .width_min = 10}});
    const auto add = [&](const char* name, std::string value) {
        facts.add({{name}, {std::move(value), ink::bold}});
    };
    const auto redis_pools = budget::redis_pools_per_process.value();
    add("connections are named", of.client_name);
    add("workers", fmt::format("{} on this instance", of.workers));
    add("Redis pools", of.redis_pool_max
                           ? fmt::format("{} a worker, each of at most {}", redis_pools,
                                         count_of(of.redis_pool_max->value(), "connection"))
                           : fmt::format("{} a worker, none of them bounded", redis_pools));
    add("Redis connections",
        of.redis_pool_max
            ? fmt::format("at most {} a worker, {} on this instance",
                          to_string(of.redis_per_worker), to_string(of.redis_per_instance))
            : "unbounded");
    const auto executors = of.executors_per_worker.value();
    add("executors", executors == 0 ? "none: no code is run"
                                    : fmt::format("at most {} a worker, each 1 Redis connection "
                                                  "while it emits",
                                                  executors));
    add("Postgres pool", fmt::format("{} to {} a worker", of.pg_pool_min.value(),
                                     count_of(of.pg_pool_max.value(), "connection")));
    add("Postgres connections", fmt::format("at most {} a worker, {} on this instance",
                                            of.pg_pool_max.value(), to_string(of.pg_per_instance)));
    add("open files", fmt::format("at most {} a worker", of.open_files));
    return on.paint("What follows", ink::bold) + "\n" + facts.render(on, 2);
}

// --- as JSON -------------------------------------------------------------------------------------

json::value to_json(budget::amount of) {
    const auto counted = of.counted();
    return counted ? json::value(counted->value()) : json::value(to_string(of));
}

json::object to_json(const derived& of) {
    return {{"client_name", of.client_name},
            {"workers_per_instance", of.workers},
            {"redis_pool_max",
             of.redis_pool_max ? json::value(of.redis_pool_max->value()) : "unbounded"},
            {"redis_connections_per_worker", to_json(of.redis_per_worker)},
            {"redis_connections_per_instance", to_json(of.redis_per_instance)},
            {"executors_per_worker", of.executors_per_worker.value()},
            {"pg_pool_min", of.pg_pool_min.value()},
            {"pg_pool_max", of.pg_pool_max.value()},
            {"pg_connections_per_instance", to_json(of.pg_per_instance)},
            {"open_files_per_worker", of.open_files}};
}

void print_as_json(const config::settings& from, const std::string& file) {
    json::array list;
    for (const auto& one : from.resolved) {
        const bool is_given = one.from != config::origin::built_in;
        list.push_back(json::object{{"name", one.name},
                                    {"value", is_given ? one.value : without_markdown(one.value)},
                                    {"from", source_of(one, file)}});
    }
    auto whole = document("config.show", level::ok);
    whole["settings"] = std::move(list);
    whole["derived"] = to_json(derive(from));
    whole["warnings"] = json::array(from.warnings.begin(), from.warnings.end());
    whole["faults"] = json::array();
    print(whole);
}

// --- the command ---------------------------------------------------------------------------------

int refuse(const config::faults& all, bool is_json) {
    if (is_json) {
        auto whole = document("config.show", level::critical);
        whole["settings"] = json::array();
        whole["derived"] = nullptr;
        whole["warnings"] = json::array();
        whole["faults"] = tool::to_json(all);
        print(whole);
    }
    (void)std::fputs(for_plain_terminal(config::describe_faults(all)).c_str(), stderr);
    return static_cast<int>(level::critical);
}

int run_show(const show_options& how, config::sources from) {
    if (!how.file.empty()) {
        auto other = with_document(std::move(from), how.file);
        if (!other) {
            complain(other.error());
            return usage_error;
        }
        from = std::move(*other);
    }
    const auto loaded = load_as_chatd(from, how.file);
    if (!loaded) return refuse(loaded.error(), how.output.is_json);
    if (how.output.is_json) {
        print_as_json(*loaded, how.file);
        return static_cast<int>(level::ok);
    }
    const auto on = how.output.on_paper();
    auto text = settings_text(*loaded, how.file, on) + "\n" + derived_text(derive(*loaded), on);
    for (const auto& one : loaded->warnings)
        text += wrap("warning: " + one, on.width, 2) + "\n";
    print(text);
    return static_cast<int>(level::ok);
}

}  // namespace

void add_config_show(CLI::App& config, invocation& run) {
    auto* command = config.add_subcommand("show", "every setting, its value and its source");
    auto how = std::make_shared<show_options>();  // second owner: the callback
    command->add_option("--config", how->file, "a gateway document, in place of the environment's")
        ->type_name("FILE");
    how->output.add_output_to(*command);
    command->footer(
        "Passwords and secrets are not shown. Exit codes: 0 shown, 2 faults: nothing to show.\n\n"
        "Examples:\n"
        "  headroom config show\n"
        "  env $(cat service.env) headroom config show --json");
    command->callback([how, &run] { run.exit_code = run_show(*how, run.from); });
}

}  // namespace headroom::tool
