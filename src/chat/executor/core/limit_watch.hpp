// SPDX-License-Identifier: Apache-2.0
// Judges what an execution uses against its limits. Fed with what a driver saw; looks at nothing
// itself and kills nothing.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "chat/executor/core/execution.hpp"

namespace headroom::chat {

struct process_sample {
    std::int64_t pid = 0;
    std::uint64_t start_time = 0;  // with the pid it names one process
    std::chrono::milliseconds own_cpu{0};
    std::chrono::milliseconds reaped_cpu{0};  // of its children that it waited for
    std::uint64_t resident_bytes = 0;         // pages that are shared are in each
    std::uint32_t threads = 1;
};

// Memory of all processes, each page once, as far as the kernel tells.
struct shared_memory_sample {
    std::uint64_t private_bytes = 0;  // anonymous, and of files
    std::uint64_t shared_bytes = 0;   // shared memory that is mapped
};

struct folder_sample {
    std::uint64_t bytes = 0;  // on the disk
    std::uint64_t entries = 0;
    bool is_complete = true;          // false: more entries or levels than are looked at
    std::uint64_t written_bytes = 0;  // to the disk, also to files that are deleted
};

struct usage_sample {
    std::chrono::milliseconds wall{0};
    std::vector<process_sample> processes;      // without chat-executor-init
    std::chrono::milliseconds reaped_cpu{0};    // by chat-executor-init
    std::uint64_t memory_folder_bytes = 0;      // in /tmp and /dev/shm of the sandbox
    std::optional<folder_sample> folders = {};  // when they were looked at
};

struct watch_answer {
    std::optional<execution_stop> stop = {};
    // Memory may be beyond its limit, or only counted more than once: on_shared_memory() decides.
    bool look_at_shared_memory = false;
};

class limit_watch {
public:
    explicit limit_watch(const execution_limits& within) : within_(within) {}

    [[nodiscard]] watch_answer on_sample(const usage_sample& seen);
    // After on_sample() asked for it.
    [[nodiscard]] std::optional<execution_stop> on_shared_memory(const shared_memory_sample& seen);

    [[nodiscard]] std::chrono::milliseconds cpu_time() const { return cpu_time_; }
    [[nodiscard]] std::uint64_t memory_most() const { return memory_most_; }

private:
    struct identity {
        std::int64_t pid;
        std::uint64_t start_time;
        auto operator<=>(const identity&) const = default;
    };
    void count_cpu(const usage_sample& seen);

    execution_limits within_;
    std::chrono::milliseconds cpu_time_{0};
    std::uint64_t memory_most_ = 0;
    std::uint64_t memory_folder_bytes_ = 0;
    // Of those alive at the last look. What they used stays in gone_cpu_ when they are not: a
    // program that ignores SIGCHLD is credited nothing for its children.
    std::map<identity, std::chrono::milliseconds> own_cpu_;
    std::chrono::milliseconds gone_cpu_{0};
};

// Files that are deleted but open, or only mapped, are in no folder; what was written to the disk
// shows them. A program may overwrite what it wrote: hence more than the folders may hold.
inline constexpr std::uint64_t written_factor = 4;

// The kernel's own limit behind the end of a program by a signal, if there is one.
[[nodiscard]] std::optional<execution_stop> limit_behind_signal(int number,
                                                                std::chrono::milliseconds cpu_time,
                                                                const execution_limits& within);

}  // namespace headroom::chat
