// SPDX-License-Identifier: Apache-2.0
// The reports' part of execution_json: what chat-executor tells its worker, spelled and read.
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "chat/core/text_cut.hpp"
#include "chat/core/utf8_repair.hpp"
#include "chat/executor/execution_json.hpp"
#include "chat/json_members.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

constexpr std::size_t report_depth_max = 6;
constexpr std::size_t reason_bytes_max = 4 * 1024;
constexpr std::size_t file_name_bytes_max = 4 * 1024;
constexpr std::size_t files_max = 1'000;
// What the files of a report may take: the rest of it is small.
constexpr std::size_t files_bytes_max = report_bytes_max - 64 * 1024;

constexpr number_rule any_number{.min = 0, .max = UINT64_MAX};
constexpr number_rule any_time{.min = 0, .max = 1'000ULL * 24 * 60 * 60 * 1000};

std::string bounded(std::string_view text, std::size_t bytes_max) {
    const std::string repaired = well_formed(text);
    return std::string(prefix_of_bytes(repaired, bytes_max));
}

std::string_view to_string(output_channel from) {
    return from == output_channel::standard_error ? "stderr" : "stdout";
}

// Names of files are bytes that a program chose: made text, and as many of them as fit.
json::array spell_files(const ended_report& of, std::uint64_t& left_out) {
    json::array files;
    std::size_t bytes = 0;
    left_out = of.files_not_listed;
    for (const left_file& file : of.files) {
        json::object one{{"name", bounded(file.name, file_name_bytes_max)}, {"bytes", file.bytes}};
        bytes += json::serialize(one).size() + 1;
        if (files.size() == files_max || bytes > files_bytes_max) {
            ++left_out;
            continue;
        }
        files.emplace_back(std::move(one));
    }
    return files;
}

json::object spell(const started_report& of) {
    const isolation& walls = of.walls;
    return {{"report", "started"},
            {"walls", json::object{{"by", walls.by},
                                   {"network", walls.network},
                                   {"system_read_only", walls.system_read_only},
                                   {"private_tmp", walls.private_tmp},
                                   {"own_pids", walls.own_pids},
                                   {"own_user", walls.own_user},
                                   {"syscall_filter", walls.syscall_filter},
                                   {"without", bounded(walls.without, reason_bytes_max)}}}};
}

json::object spell(const output_report& of) {
    return {{"report", "output"}, {"from", to_string(of.from)}, {"text", of.text}};
}

json::object spell(const emit_counts& of) {
    return {{"accepted", of.accepted}, {"delivered", of.delivered},
            {"invalid", of.invalid},   {"rate_limited", of.rate_limited},
            {"dropped", of.dropped},   {"undelivered", of.undelivered}};
}

json::object spell(const ended_report& of) {
    json::object line{{"report", "ended"}};
    if (of.exit_code) line.emplace("exit_code", *of.exit_code);
    if (of.signal) line.emplace("signal", *of.signal);
    if (!of.start_error.empty())
        line.emplace("start_error", bounded(of.start_error, reason_bytes_max));
    if (of.stopped) line.emplace("stopped", to_string(*of.stopped));
    line.emplace("output_truncated", of.output_truncated);
    line.emplace("error_truncated", of.error_truncated);
    line.emplace("output_bytes", of.output_bytes);
    line.emplace("error_bytes", of.error_bytes);
    line.emplace("wall_time_ms", of.wall_time.count());
    line.emplace("cpu_time_ms", of.cpu_time.count());
    line.emplace("memory_bytes", of.memory_bytes);
    line.emplace("events", spell(of.events));
    std::uint64_t not_listed = 0;
    line.emplace("files", spell_files(of, not_listed));
    line.emplace("files_not_listed", not_listed);
    return line;
}

started_report read_started(json_members& from) {
    started_report read;
    const json::object* found = from.object("walls");
    if (found == nullptr) return read;
    json_members walls(*found, "walls");
    read.walls = {.by = walls.text("by", {.bytes_min = 1, .bytes_max = 32}),
                  .network = walls.flag("network"),
                  .system_read_only = walls.flag("system_read_only"),
                  .private_tmp = walls.flag("private_tmp"),
                  .own_pids = walls.flag("own_pids"),
                  .own_user = walls.flag("own_user"),
                  .syscall_filter = walls.flag("syscall_filter"),
                  .without = walls.text(
                      "without", {.bytes_max = reason_bytes_max, .may_have_controls = true})};
    if (auto wrong = walls.fault()) from.refuse(std::move(*wrong));
    return read;
}

output_report read_output(json_members& from) {
    output_report read;
    const std::string channel = from.text("from", {.bytes_min = 1, .bytes_max = 16});
    if (channel == "stderr") read.from = output_channel::standard_error;
    if (channel != "stderr" && channel != "stdout") from.refuse("from", "must be stdout or stderr");
    read.text = from.text(
        "text", {.bytes_max = report_bytes_max, .may_have_controls = true, .may_have_nul = true});
    return read;
}

emit_counts read_counts(json_members& from) {
    emit_counts read;
    const json::object* found = from.object("events");
    if (found == nullptr) return read;
    json_members counts(*found, "events");
    read = {.accepted = counts.number("accepted", any_number),
            .delivered = counts.number("delivered", any_number),
            .invalid = counts.number("invalid", any_number),
            .rate_limited = counts.number("rate_limited", any_number),
            .dropped = counts.number("dropped", any_number),
            .undelivered = counts.number("undelivered", any_number)};
    if (auto wrong = counts.fault()) from.refuse(std::move(*wrong));
    return read;
}

std::vector<left_file> read_files(json_members& from) {
    std::vector<left_file> read;
    const json::array* files = from.array("files", files_max);
    if (files == nullptr) return read;
    for (std::size_t at = 0; at < files->size(); ++at) {
        const std::string path = fmt::format("files[{}]", at);
        const json::object* found = (*files)[at].if_object();
        if (found == nullptr) {
            from.refuse(path, "must be an object");
            return read;
        }
        json_members file(*found, path);
        const text_rule names{
            .bytes_min = 1, .bytes_max = file_name_bytes_max, .may_have_controls = true};
        read.push_back(
            {.name = file.text("name", names), .bytes = file.number("bytes", any_number)});
        if (auto wrong = file.fault()) from.refuse(std::move(*wrong));
    }
    return read;
}

// Exactly one of the three says how it ended.
void read_how(json_members& from, ended_report& into) {
    int ways = 0;
    if (from.has("exit_code")) {
        into.exit_code = static_cast<int>(from.number("exit_code", {.min = 0, .max = 255}));
        ++ways;
    }
    if (from.has("signal")) {
        into.signal = static_cast<int>(from.number("signal", {.min = 1, .max = 64}));
        ++ways;
    }
    if (from.has("start_error")) {
        into.start_error =
            from.text("start_error",
                      {.bytes_min = 1, .bytes_max = reason_bytes_max, .may_have_controls = true});
        ++ways;
    }
    if (ways != 1) from.refuse("exactly one of exit_code, signal and start_error must be there");
    if (!from.has("stopped")) return;
    into.stopped = parse_execution_stop(from.text("stopped", {.bytes_min = 1, .bytes_max = 32}));
    if (!into.stopped) from.refuse("stopped", "must be one of the reasons that are known");
}

ended_report read_ended(json_members& from) {
    using std::chrono::milliseconds;
    ended_report read;
    read_how(from, read);
    read.output_truncated = from.flag("output_truncated");
    read.error_truncated = from.flag("error_truncated");
    read.output_bytes = from.number("output_bytes", any_number);
    read.error_bytes = from.number("error_bytes", any_number);
    read.wall_time = milliseconds(from.number("wall_time_ms", any_time));
    read.cpu_time = milliseconds(from.number("cpu_time_ms", any_time));
    read.memory_bytes = from.number("memory_bytes", any_number);
    read.events = read_counts(from);
    read.files = read_files(from);
    read.files_not_listed = from.number("files_not_listed", any_number);
    return read;
}

std::optional<execution_report> read_report(std::string_view kind, json_members& from) {
    if (kind == "started") return read_started(from);
    if (kind == "output") return read_output(from);
    if (kind == "ended") return read_ended(from);
    from.refuse("report", "must be started, output or ended");
    return std::nullopt;
}

}  // namespace

std::string to_line(const execution_report& report) {
    return json::serialize(std::visit([](const auto& one) { return spell(one); }, report));
}

result<execution_report> parse_report(std::string_view line) {
    const auto parsed = parse_json_line(line, "the report", report_bytes_max, report_depth_max);
    if (!parsed) return std::unexpected(parsed.error());
    json_members members(*parsed, {});
    const std::string kind = members.text("report", {.bytes_min = 1, .bytes_max = 16});
    auto report = read_report(kind, members);
    if (auto wrong = members.fault())
        return failure(std::make_error_code(std::errc::bad_message),
                       fmt::format("the report is refused: {}", *wrong));
    return std::move(*report);
}

}  // namespace headroom::chat
