// SPDX-License-Identifier: Apache-2.0
#include "headroom/plan/plan_fleet.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/client_name.hpp"
#include "base/text.hpp"
#include "budget/demand.hpp"
#include "config/capacity.hpp"
#include "config/gateway_document.hpp"
#include "config/limits.hpp"

namespace headroom::tool {
namespace {

constexpr std::uint64_t instances_max = 100'000;
constexpr std::uint64_t extra_connections_max = 1'000'000;
constexpr std::string_view unset = "unset";
constexpr std::string_view built_in = "built-in default";
constexpr std::string_view concurrency = "service_capacity.concurrent_requests_per_process";

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

// A fault's text, empty when there is none, as CLI11 wants it.
std::string check_redis_max(const std::string& text) {
    const auto least = config::redis_connections_needed().value();
    const auto most = config::redis_connections_range.max;
    const auto number = whole_number(text);
    if (text == unset || (number && *number >= least && *number <= most)) return {};
    return fmt::format("Value {} is neither a whole number from {} to {} nor the word {}",
                       printable_excerpt(text, 30), least, most, unset);
}

// The settings of a chatd that is started with these variables, without where its servers are: a
// fault there is no reason not to plan.
config::sources capacity_only(const config::sources& from) {
    constexpr std::array<std::string_view, 12> wanted{
        "GATEWAY_CONFIG_JSON", "GATEWAY_YAML_PATH", "REDIS_MAX_CONNECTIONS", "PGPOOL_MAX_SIZE",
        "PGPOOL_MIN_SIZE",     "REDIS_CLIENT_NAME", "SERVICE_NAME",          "APP_NAME",
        "CHAT_ROLE",           "INSTANCE_ID",       "CHAT_BUNDLES",          "CHAT_EXECUTORS_MAX"};
    config::sources few = from;
    std::erase_if(few.variables, [&](const auto& one) {
        return std::ranges::find(wanted, std::string_view(one.first)) == wanted.end();
    });
    return few;
}

// A JSON document goes in as JSON, because its faults are then told in JSON's words.
std::expected<void, std::string> put_document(config::sources& to, const std::string& file) {
    to.variables.erase(std::string(config::gateway_json_variable));
    to.variables.erase(std::string(config::gateway_yaml_variable));
    const auto text = to.read_file(file);
    if (!text) {
        const auto& why = text.error();
        return std::unexpected(fmt::format("--config {}: it cannot be read: {}",
                                           printable_excerpt(file),
                                           why.detail.empty() ? why.code.message() : why.detail));
    }
    if (file.ends_with(".json")) {
        to.variables.insert_or_assign(std::string(config::gateway_json_variable), *text);
    } else {
        to.variables.insert_or_assign(std::string(config::gateway_yaml_variable), file);
    }
    return {};
}

// Settings, and in whose words each value is theirs.
class settings_source {
public:
    static std::expected<settings_source, std::string> load(const std::string& config_file,
                                                            const config::sources& from) {
        auto few = capacity_only(from);
        if (!config_file.empty()) {
            const auto put = put_document(few, config_file);
            if (!put) return std::unexpected(put.error());
        }
        auto loaded = config::load(few);
        if (!loaded) {
            const auto whose = config_file.empty() ? "the environment does not tell the fleet"
                                                   : "--config " + printable_excerpt(config_file) +
                                                         " is no fit document";
            return std::unexpected(
                fmt::format("{}:\n{}", whose, config::describe_faults(loaded.error())));
        }
        return settings_source(std::move(*loaded), config_file);
    }

    [[nodiscard]] const config::settings& get() const { return settings_; }

    [[nodiscard]] std::string source_of(std::string_view name) const {
        const auto found =
            std::ranges::find(settings_.resolved, name, &config::resolved_setting::name);
        if (found == settings_.resolved.end()) return std::string(built_in);
        switch (found->from) {
            case config::origin::built_in:
                return std::string(built_in);
            case config::origin::environment:
                return fmt::format("{} of the environment", name);
            case config::origin::gateway_json:
                return file_.empty() ? std::string(config::gateway_json_variable) : file_;
            case config::origin::gateway_yaml:
                return file_.empty() ? std::string(config::gateway_yaml_variable) : file_;
        }
        return std::string(built_in);
    }

    [[nodiscard]] std::string source_of_pg_max() const {
        const auto own = source_of("PGPOOL_MAX_SIZE");
        if (own != built_in) return own;
        const auto requests = source_of(concurrency);
        if (requests == built_in) return "as concurrent_requests_per_process";
        return fmt::format("concurrent_requests_per_process, {}", requests);
    }

private:
    settings_source(config::settings loaded, std::string file)
        : settings_(std::move(loaded)), file_(printable_excerpt(file)) {}

    config::settings settings_;
    std::string file_;
};

planned_fleet fleet_of(const settings_source& from) {
    planned_fleet fleet;
    fleet.service = from.get().name_prefix;
    fleet.counts = config::fleet_of(from.get(), instance_count(1));
    fleet.sources = {
        {"instances", std::string(built_in)},
        {"workers_per_instance", from.source_of("service_capacity.processes_per_instance")},
        {"redis_max_connections", from.source_of("REDIS_MAX_CONNECTIONS")},
        {"pg_pool_max_size", from.source_of_pg_max()}};
    if (fleet.counts.sentinel) fleet.sources["sentinel"] = from.source_of("REDIS_URL");
    if (fleet.counts.executors_per_worker != connection_count(0))
        fleet.sources["executors_per_worker"] = from.source_of("CHAT_EXECUTORS_MAX");
    return fleet;
}

void take_running(planned_fleet& to, const running_service& told, std::vector<finding>& notes) {
    const auto& status = told.status;
    if (!status.workers.empty()) {
        to.counts.workers_per_instance = worker_count(status.workers.size());
        to.sources["workers_per_instance"] = told.from;
    }
    // All workers have the same settings; one may not have told its own yet.
    const auto with_pools = std::ranges::find_if(status.workers, [](const auto& worker) {
        return worker.pool(pool_kind::async) != nullptr && worker.pool(pool_kind::pg) != nullptr;
    });
    if (with_pools == status.workers.end()) {
        notes.push_back({level::warning,
                         told.from + " has no worker that tells its pools: their caps are those of "
                                     "this environment",
                         "Ask again when its workers have started, or state --redis-max and "
                         "--pg-max"});
        return;
    }
    const auto redis_cap = with_pools->pool(pool_kind::async)->cap;
    to.counts.redis_connections_max =
        redis_cap ? std::optional(connection_count(*redis_cap)) : std::nullopt;
    to.sources["redis_max_connections"] = told.from;
    if (const auto pg_cap = with_pools->pool(pool_kind::pg)->cap) {
        to.counts.pg_pool_max = connection_count(*pg_cap);
        to.sources["pg_pool_max_size"] = told.from;
    }
    const auto& executors = with_pools->executors;
    to.counts.executors_per_worker = connection_count(executors ? executors->max : 0);
    to.sources.erase("executors_per_worker");
    if (executors) to.sources["executors_per_worker"] = told.from;
}

template <class Count>
void take_flag(planned_fleet& to, std::string_view key, std::string_view flag,
               const std::optional<std::uint64_t>& given, Count& value) {
    if (!given) return;
    value = Count(*given);
    to.sources[key] = flag;
}

void take_flags(planned_fleet& to, const fleet_flags& flags) {
    auto& counts = to.counts;
    if (!flags.service.empty()) to.service = flags.service;
    take_flag(to, "instances", "--instances", flags.instances, counts.instances);
    take_flag(to, "workers_per_instance", "--workers", flags.workers, counts.workers_per_instance);
    if (!flags.redis_max.empty()) {
        const auto number = whole_number(flags.redis_max);
        counts.redis_connections_max =
            number ? std::optional(connection_count(*number)) : std::nullopt;
        to.sources["redis_max_connections"] = "--redis-max";
    }
    take_flag(to, "pg_pool_max_size", "--pg-max", flags.pg_max, counts.pg_pool_max);
    if (flags.executors) {
        counts.emitting_executors = connection_count(*flags.executors);
        to.sources["executors"] = "--executors";
        to.sources.erase("executors_per_worker");  // then it plays no part
    }
    take_flag(to, "surge", "--surge", flags.surge, counts.surge);
    if (flags.sentinel) {
        counts.sentinel = true;
        to.sources["sentinel"] = "--sentinel";
    }
    take_flag(to, "pg_migrations", "--migrations", flags.migrations, counts.pg_migrations);
    take_flag(to, "pg_operators", "--pg-operators", flags.pg_operators, counts.pg_operators);
    take_flag(to, "redis_operators", "--redis-operators", flags.redis_operators,
              counts.redis_operators);
    take_flag(to, "redis_replicas", "--replicas", flags.replicas, counts.redis_replicas);
}

void note_document_warnings(const config::settings& of, std::vector<finding>& notes) {
    for (const auto& one : of.warnings)
        if (one.starts_with("gateway document:")) notes.push_back({level::warning, one, {}});
}

}  // namespace

void fleet_flags::add_to(CLI::App& command) {
    const auto group = "The fleet (else --config, else the running service, else the environment)";
    const auto add = [&](const char* name, auto& to, const char* what, std::uint64_t least,
                         std::uint64_t most) {
        command.add_option(name, to, what)
            ->group(group)
            ->type_name("N")
            ->check(CLI::Range(least, most));
    };
    const auto& workers_range = config::processes_per_instance_range;
    const auto& pg_range = config::pg_pool_max_range;
    command.add_option("--config", config_file, "a gateway document: YAML, or .json")
        ->group(group)
        ->type_name("FILE");
    add("--instances", instances, "hosts or containers running one chatd", 1, instances_max);
    add("--workers", workers, "processes of each instance", workers_range.min, workers_range.max);
    command.add_option("--redis-max", redis_max, "REDIS_MAX_CONNECTIONS, or the word unset")
        ->group(group)
        ->type_name("N")
        ->check(CLI::Validator(check_redis_max, ""));
    add("--pg-max", pg_max, "PGPOOL_MAX_SIZE", pg_range.min, pg_range.max);
    add("--executors", executors, "emitting at the same time in all (else by worker)", 0,
        extra_connections_max);
    add("--surge", surge, "new instances beside the old ones in a deploy", 0, instances_max);
    command.add_flag("--sentinel", sentinel, "each process has a connection to a sentinel")
        ->group(group);
    add("--migrations", migrations, "Postgres sessions of migrations and batch jobs", 0,
        extra_connections_max);
    add("--pg-operators", pg_operators, "Postgres sessions of people and dashboards", 0,
        extra_connections_max);
    add("--redis-operators", redis_operators, "the same on Redis", 0, extra_connections_max);
    add("--replicas", replicas, "replicas of Redis (else those connected now)", 0,
        extra_connections_max);
    command.add_option("--service", service, "first part of its connections' names")
        ->group(group)
        ->type_name("NAME");
}

std::vector<fleet_value> planned_fleet::values() const {
    const auto redis_max = counts.redis_connections_max
                               ? std::optional(counts.redis_connections_max->value())
                               : std::nullopt;
    const auto executors = budget::redis_of_executors(counts).counted();
    return {{"instances", "instances", counts.instances.value(), true},
            {"workers_per_instance", "workers", counts.workers_per_instance.value(), true},
            {"redis_max_connections", "REDIS_MAX_CONNECTIONS", redis_max, true},
            {"pg_pool_max_size", "PGPOOL_MAX_SIZE", counts.pg_pool_max.value(), true},
            {"surge", "surge", counts.surge.value(), false},
            {"executors_per_worker", "executors of a worker", counts.executors_per_worker.value(),
             false},
            {"executors", "executors", executors ? std::optional(executors->value()) : std::nullopt,
             false},
            {"sentinel", "sentinel", counts.sentinel ? 1U : 0U, false},
            {"pg_migrations", "migrations", counts.pg_migrations.value(), false},
            {"pg_operators", "operators of Postgres", counts.pg_operators.value(), false},
            {"redis_operators", "operators of Redis", counts.redis_operators.value(), false},
            {"redis_replicas", "replicas of Redis", counts.redis_replicas.value(), false}};
}

std::string planned_fleet::source(std::string_view key) const {
    const auto found = sources.find(key);
    if (found != sources.end()) return found->second;
    return std::string(key == "executors" ? "as executors_per_worker" : built_in);
}

bool planned_fleet::is_given_by_flag(std::string_view key) const {
    return source(key).starts_with("--");
}

std::expected<planned_fleet, std::string> plan_fleet(const fleet_flags& flags,
                                                     const std::optional<running_service>& running,
                                                     const config::sources& from,
                                                     std::vector<finding>& notes) {
    const auto settings = settings_source::load(flags.config_file, from);
    if (!settings) return std::unexpected(settings.error());
    auto fleet = fleet_of(*settings);
    if (running) fleet.service = running->status.service;
    if (!flags.config_file.empty()) {
        note_document_warnings(settings->get(), notes);
    } else if (running) {
        take_running(fleet, *running, notes);
    }
    take_flags(fleet, flags);
    // As it stands in names: what does not fit there was replaced.
    const auto named = parse_client_name(format_client_name({fleet.service, "", 1}, pool_kind::pg));
    if (named) fleet.service = named->prefix;
    return fleet;
}

}  // namespace headroom::tool
