// SPDX-License-Identifier: Apache-2.0
// What program_run and chat-executor-init write to each other, byte for byte: both are built from
// this header and run on one machine. Plain types only: chat-executor-init has no library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headroom::chat {

inline constexpr std::uint32_t init_magic = 0x48524931;
inline constexpr std::size_t init_plan_bytes_max = 1024 * 1024;
inline constexpr std::size_t init_arguments_max = 256;
inline constexpr std::size_t init_variables_max = 128;
// Where the program finds the descriptor of its events: the first after the three that all have.
inline constexpr int init_events_descriptor = 3;

// The start of a plan. After it: `filter_bytes` of the system call filter (sock_filter), then
// `arguments` and `variables` strings, each ended by a NUL.
struct init_header {
    std::uint32_t magic = init_magic;
    std::uint32_t plan_bytes = 0;  // with this header
    // Descriptors that chat-executor-init was given.
    std::int32_t output = -1;
    std::int32_t error = -1;
    std::int32_t events = -1;
    std::int32_t status = -1;
    // As pid 1 of a namespace: its end is the end of all. Else it adopts and kills what is left.
    std::uint32_t is_first = 0;
    std::uint32_t changes_user = 0;  // of the program; its own stays
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t filter_bytes = 0;
    std::uint32_t arguments = 0;
    std::uint32_t variables = 0;
    std::uint32_t open_files = 0;
    std::uint64_t processes = 0;
    std::uint64_t cpu_seconds = 0;
    std::uint64_t data_bytes = 0;
    std::uint64_t file_bytes = 0;
};
static_assert(sizeof(init_header) == 88);

enum class init_said : std::uint32_t {
    started = 1,   // the program is executed
    not_executed,  // value: errno of execve(2)
    not_prepared,  // value: errno; step: which
    ended,         // value: the status of waitpid(2)
};

enum class init_step : std::uint32_t {
    none,
    plan,
    descriptors,
    fork,
    session,
    limits,
    user,
    filter,
};

// One on the status descriptor at the start, and one at the end.
struct init_report {
    std::uint32_t magic = init_magic;
    init_said said = init_said::ended;
    std::int32_t value = 0;
    init_step step = init_step::none;
    std::uint64_t cpu_microseconds = 0;  // of all that was waited for
    std::uint64_t largest_bytes = 0;     // the most one of them had in memory
};
static_assert(sizeof(init_report) == 32);

}  // namespace headroom::chat
