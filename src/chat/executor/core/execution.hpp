// SPDX-License-Identifier: Apache-2.0
// What is asked of an executor and what it tells: the words both sides of the pipe between a worker
// and chat-executor share. Not their spelling: executor/execution_json.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headroom::chat {

// Bounds of one execution; each one reached ends it, with its name as the reason, but output and
// events, whose excess is dropped and counted.
struct execution_limits {
    std::chrono::milliseconds wall_time{60'000};
    std::chrono::milliseconds cpu_time{30'000};         // of all its processes together
    std::uint64_t memory_bytes = 512ULL * 1024 * 1024;  // of all its processes together
    std::uint32_t processes = 64;                       // and threads, at the same time
    std::uint32_t open_files = 256;                     // of each process
    std::uint64_t file_bytes = 64ULL * 1024 * 1024;     // of one file
    std::uint64_t folder_bytes = 256ULL * 1024 * 1024;  // of working and output folder
    std::uint32_t folder_entries = 10'000;              // of working and output folder
    std::uint64_t output_bytes = 256ULL * 1024;         // of standard output and error, each
    std::uint32_t events = 2'000;                       // emitted in all
    std::uint32_t events_per_second = 100;              // beyond: dropped and counted
    std::uint32_t files_listed = 100;
};

// What is run: source text in a language, or a program with its arguments; exactly one of the two.
struct execution_program {
    std::string language = {};  // "bash", "python3"; empty: `arguments` say it
    std::string source = {};
    std::vector<std::string> arguments = {};  // the program first
};

struct execution_request {
    std::string execution_id;  // instance part of its connection's name: [0-9A-Za-z_-]{1,40}
    execution_program program;
    std::map<std::string, std::string> environment;  // beside the few that every execution has
    execution_limits limits;
    bool may_run_unsandboxed = false;  // CHAT_EXECUTOR_UNSANDBOXED=1
    // The launcher made the isolation (a container): bubblewrap is not asked for.
    bool is_in_container = false;
};

// Why an execution was ended by its executor. The spelling is that of reports, events and metrics.
enum class execution_stop : std::uint8_t {
    wall_time,
    cpu_time,
    memory,
    processes,
    folder,     // too many bytes or entries in its folders
    cancelled,  // asked for
    orphaned,   // its worker is gone
};
[[nodiscard]] std::string_view to_string(execution_stop why);
[[nodiscard]] std::optional<execution_stop> parse_execution_stop(std::string_view word);

// Which walls stand around the program.
struct isolation {
    std::string by = "none";  // "bubblewrap", "container", "none"
    bool network = true;      // it can reach one
    bool system_read_only = false;
    bool private_tmp = false;
    bool own_pids = false;  // sees and signals only its own processes
    bool own_user = false;  // runs as another user than its executor
    bool syscall_filter = false;
    std::string without = {};  // why not more, for people
    bool operator==(const isolation&) const = default;
};

struct started_report {
    isolation walls;
};

enum class output_channel : std::uint8_t { standard_output, standard_error };

struct output_report {
    output_channel from = output_channel::standard_output;
    std::string text;  // well-formed UTF-8: bytes that are none became U+FFFD
};

struct left_file {
    std::string name;  // relative to the output folder
    std::uint64_t bytes = 0;
    bool operator==(const left_file&) const = default;
};

// What became of the lines it emitted.
struct emit_counts {
    std::uint64_t accepted = 0;      // taken from the program
    std::uint64_t delivered = 0;     // Redis has them
    std::uint64_t invalid = 0;       // no event
    std::uint64_t rate_limited = 0;  // beyond events or events_per_second
    std::uint64_t dropped = 0;       // not held: the buffer was full, or there is no way to Redis
    std::uint64_t undelivered = 0;   // still held when the flush's deadline passed
    bool operator==(const emit_counts&) const = default;
};

// How the program ended: exactly one of exit_code, signal and start_error.
struct ended_report {
    std::optional<int> exit_code = {};
    std::optional<int> signal = {};              // it was killed by
    std::string start_error = {};                // it was never run: why, for people
    std::optional<execution_stop> stopped = {};  // by its executor
    bool output_truncated = false;
    bool error_truncated = false;
    std::uint64_t output_bytes = 0;  // written, also beyond the bound
    std::uint64_t error_bytes = 0;
    std::chrono::milliseconds wall_time{0};
    std::chrono::milliseconds cpu_time{0};
    std::uint64_t memory_bytes = 0;  // the most seen
    emit_counts events = {};
    std::vector<left_file> files = {};
    std::uint64_t files_not_listed = 0;
};

using execution_report = std::variant<started_report, output_report, ended_report>;

// For people: "ended with exit code 1", "was killed by signal 9 (it used more memory than
// allowed)".
[[nodiscard]] std::string describe(const ended_report& how, const execution_limits& within);

// [0-9A-Za-z_-]{1,40}
[[nodiscard]] bool is_execution_id(std::string_view text);

}  // namespace headroom::chat
