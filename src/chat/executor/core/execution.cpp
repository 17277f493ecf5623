// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/execution.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace headroom::chat {
namespace {

constexpr std::size_t execution_id_bytes_max = 40;

constexpr std::array all_stops{execution_stop::wall_time, execution_stop::cpu_time,
                               execution_stop::memory,    execution_stop::processes,
                               execution_stop::folder,    execution_stop::cancelled,
                               execution_stop::orphaned};

std::string because(execution_stop why, const execution_limits& within) {
    constexpr std::uint64_t mib = 1024ULL * 1024;
    const auto seconds_of = [](std::chrono::milliseconds time) {
        return static_cast<double>(time.count()) / 1000;
    };
    switch (why) {
        case execution_stop::wall_time:
            return fmt::format("it took longer than {:g} s", seconds_of(within.wall_time));
        case execution_stop::cpu_time:
            return fmt::format("it used more than {:g} s of processor time",
                               seconds_of(within.cpu_time));
        case execution_stop::memory:
            return fmt::format("it used more than {} MiB of memory", within.memory_bytes / mib);
        case execution_stop::processes:
            return fmt::format("it had more than {} processes", within.processes);
        case execution_stop::folder:
            return fmt::format("it left more than {} MiB or {} files in its folders",
                               within.folder_bytes / mib, within.folder_entries);
        case execution_stop::cancelled:
            return "it was stopped";
        case execution_stop::orphaned:
            return "its worker is gone";
    }
    return {};
}

}  // namespace

std::string_view to_string(execution_stop why) {
    switch (why) {
        case execution_stop::wall_time:
            return "wall_time";
        case execution_stop::cpu_time:
            return "cpu_time";
        case execution_stop::memory:
            return "memory";
        case execution_stop::processes:
            return "processes";
        case execution_stop::folder:
            return "folder";
        case execution_stop::cancelled:
            return "cancelled";
        case execution_stop::orphaned:
            return "orphaned";
    }
    return "unknown";
}

std::optional<execution_stop> parse_execution_stop(std::string_view word) {
    const auto* const found =
        std::ranges::find(all_stops, word, [](auto one) { return to_string(one); });
    if (found == all_stops.end()) return std::nullopt;
    return *found;
}

std::string describe(const ended_report& how, const execution_limits& within) {
    std::string text;
    if (!how.start_error.empty()) {
        text = "was not run: " + how.start_error;
    } else if (how.signal) {
        text = fmt::format("was killed by signal {}", *how.signal);
    } else {
        text = fmt::format("ended with exit code {}", how.exit_code.value_or(-1));
    }
    if (how.stopped) text += " (" + because(*how.stopped, within) + ")";
    return text;
}

bool is_execution_id(std::string_view text) {
    return !text.empty() && text.size() <= execution_id_bytes_max &&
           std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '_' || c == '-';
           });
}

}  // namespace headroom::chat
