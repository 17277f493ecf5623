// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/execution_json.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "chat/json_members.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

constexpr std::size_t order_depth_max = 8;
constexpr std::size_t source_bytes_max = 1024 * 1024;
constexpr std::size_t arguments_max = 256;
// execve(2) takes no longer one: MAX_ARG_STRLEN, less the end.
constexpr std::size_t argument_bytes_max = 128 * 1024 - 1;
constexpr std::size_t variables_max = 64;
constexpr std::size_t variable_name_bytes_max = 128;
constexpr std::size_t variable_bytes_max = 32 * 1024;

// The most that any configuration may ask for: a guard against nonsense, not a policy.
constexpr std::uint64_t day_ms = 24ULL * 60 * 60 * 1000;
constexpr std::uint64_t gib = 1024ULL * 1024 * 1024;
constexpr number_rule times{.min = 1, .max = day_ms};
constexpr number_rule memories{.min = 1024ULL * 1024, .max = 1024 * gib};
constexpr number_rule volumes{.min = 0, .max = 1024 * gib};
constexpr number_rule outputs{.min = 0, .max = gib};
constexpr number_rule some{.min = 1, .max = 1'000'000};
constexpr number_rule any{.min = 0, .max = 1'000'000'000};
constexpr number_rule listable{.min = 0, .max = 1'000};

json::object to_json(const execution_limits& of) {
    return {{"wall_time_ms", of.wall_time.count()},
            {"cpu_time_ms", of.cpu_time.count()},
            {"memory_bytes", of.memory_bytes},
            {"processes", of.processes},
            {"open_files", of.open_files},
            {"file_bytes", of.file_bytes},
            {"folder_bytes", of.folder_bytes},
            {"folder_entries", of.folder_entries},
            {"output_bytes", of.output_bytes},
            {"events", of.events},
            {"events_per_second", of.events_per_second},
            {"files_listed", of.files_listed}};
}

json::object to_json(const execution_program& of) {
    if (!of.language.empty()) return {{"language", of.language}, {"source", of.source}};
    json::array arguments(of.arguments.begin(), of.arguments.end());
    return {{"arguments", std::move(arguments)}};
}

std::uint32_t small_number(json_members& from, std::string_view name, number_rule within) {
    return static_cast<std::uint32_t>(from.number(name, within));
}

execution_limits read_limits(json_members& from) {
    using std::chrono::milliseconds;
    execution_limits read;
    read.wall_time = milliseconds(from.number("wall_time_ms", times));
    read.cpu_time = milliseconds(from.number("cpu_time_ms", times));
    read.memory_bytes = from.number("memory_bytes", memories);
    read.processes = small_number(from, "processes", some);
    read.open_files = small_number(from, "open_files", {.min = 8, .max = 1'000'000});
    read.file_bytes = from.number("file_bytes", volumes);
    read.folder_bytes = from.number("folder_bytes", volumes);
    read.folder_entries = small_number(from, "folder_entries", some);
    read.output_bytes = from.number("output_bytes", outputs);
    read.events = small_number(from, "events", any);
    read.events_per_second = small_number(from, "events_per_second", some);
    read.files_listed = small_number(from, "files_listed", listable);
    return read;
}

void read_arguments(json_members& from, execution_program& into) {
    const json::array* arguments = from.array("arguments", arguments_max);
    if (arguments == nullptr) return;
    if (arguments->empty()) from.refuse("arguments", "must name a program");
    for (std::size_t at = 0; at < arguments->size(); ++at) {
        const text_rule within{.bytes_min = at == 0 ? 1UL : 0UL,
                               .bytes_max = argument_bytes_max,
                               .may_have_controls = true};
        const std::string wrong = json_members::wrong_in((*arguments)[at], within);
        if (!wrong.empty()) return from.refuse(fmt::format("arguments[{}]", at), wrong);
        into.arguments.emplace_back((*arguments)[at].get_string());
    }
}

execution_program read_program(json_members& from) {
    execution_program read;
    if (from.has("language")) {
        read.language = from.text("language", {.bytes_min = 1, .bytes_max = 32});
        read.source =
            from.text("source", {.bytes_max = source_bytes_max, .may_have_controls = true});
    } else {
        read_arguments(from, read);
    }
    return read;
}

std::map<std::string, std::string> read_environment(const json::object& variables,
                                                    json_members& from) {
    std::map<std::string, std::string> read;
    if (variables.size() > variables_max) {
        from.refuse("environment", fmt::format("must have at most {} variables", variables_max));
        return read;
    }
    for (const auto& variable : variables) {
        const std::string_view name = variable.key();
        if (name.size() > variable_name_bytes_max || !is_visible_ascii(name) ||
            name.contains('=')) {
            from.refuse("environment", "has a variable without a proper name");
            return read;
        }
        const std::string wrong = json_members::wrong_in(
            variable.value(), {.bytes_max = variable_bytes_max, .may_have_controls = true});
        if (!wrong.empty()) {
            from.refuse(fmt::format("environment.{}", name), wrong);
            return read;
        }
        read.emplace(name, variable.value().get_string());
    }
    return read;
}

// A part of an object: what is wrong with it becomes the fault of the whole.
template <class Read>
void read_part(json_members& whole, std::string_view name, Read read) {
    const json::object* found = whole.object(name);
    if (found == nullptr) return;
    json_members part(*found, whole.name_of(name));
    read(part);
    if (auto wrong = part.fault()) whole.refuse(std::move(*wrong));
}

execution_request read_request(json_members& from) {
    execution_request read;
    read.execution_id = from.text("execution_id", {.bytes_min = 1, .bytes_max = 40});
    if (!read.execution_id.empty() && !is_execution_id(read.execution_id))
        from.refuse("execution_id", "must have letters, digits, '_' and '-' only");
    read_part(from, "program", [&](json_members& part) { read.program = read_program(part); });
    const json::object* variables = from.object("environment");
    if (variables != nullptr) read.environment = read_environment(*variables, from);
    read_part(from, "limits", [&](json_members& part) { read.limits = read_limits(part); });
    read.may_run_unsandboxed = from.flag("may_run_unsandboxed");
    read.is_in_container = from.flag("is_in_container");
    return read;
}

}  // namespace

std::string to_line(const execution_order& order) {
    const execution_request& what = order.what;
    json::object variables;
    for (const auto& [name, value] : what.environment)
        variables.emplace(name, value);
    json::object line{{"execution", json::object{{"execution_id", what.execution_id},
                                                 {"program", to_json(what.program)},
                                                 {"environment", std::move(variables)},
                                                 {"limits", to_json(what.limits)},
                                                 {"may_run_unsandboxed", what.may_run_unsandboxed},
                                                 {"is_in_container", what.is_in_container}}}};
    if (order.comm) line.emplace("comm", to_json(*order.comm));
    return json::serialize(line);
}

result<execution_order> parse_order(std::string_view line) {
    const auto parsed = parse_json_line(line, "the order", request_bytes_max, order_depth_max);
    if (!parsed) return std::unexpected(parsed.error());
    json_members members(*parsed, {});
    execution_order order;
    read_part(members, "execution", [&](json_members& part) { order.what = read_request(part); });
    if (members.has("comm")) {
        if (const json::object* spec = members.object("comm")) {
            auto comm = parse_comm_spec(*spec);
            if (comm) {
                order.comm = std::move(*comm);
            } else {
                members.refuse("comm: " + comm.error().detail);
            }
        }
    }
    if (auto wrong = members.fault())
        return failure(std::make_error_code(std::errc::bad_message),
                       fmt::format("the order is refused: {}", *wrong));
    return order;
}

}  // namespace headroom::chat
