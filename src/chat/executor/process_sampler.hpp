// SPDX-License-Identifier: Apache-2.0
// Reads from /proc what the processes of an execution use. Judges nothing: core/limit_watch.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "chat/executor/core/limit_watch.hpp"
#include "chat/executor/core/process_text.hpp"
#include "chat/executor/owned_descriptor.hpp"

namespace headroom::chat {

class process_sampler {
public:
    // Of all processes in the sandbox whose first process has that pid here. One that has ended
    // already uses nothing.
    [[nodiscard]] static process_sampler of_sandbox(pid_t first);
    // Of what descends from `init`, which adopts whatever loses its parent.
    [[nodiscard]] static process_sampler of_descendants(pid_t init);

    // False when /proc does not let it look, or all had ended.
    [[nodiscard]] bool can_look() const { return proc_.is_open(); }

    // Processes, what chat-executor-init reaped, and memory in the sandbox's own folders.
    [[nodiscard]] usage_sample look();
    // Of those seen by the last look().
    [[nodiscard]] shared_memory_sample look_at_shared_memory() const;
    // The most that all together have written to disks so far.
    [[nodiscard]] std::uint64_t written_bytes();

private:
    process_sampler() = default;
    [[nodiscard]] std::vector<process_stat> read_all() const;
    [[nodiscard]] std::uint64_t memory_folder_bytes() const;

    owned_descriptor proc_;  // of the sandbox: lists its processes only
    owned_descriptor temporary_folder_;
    owned_descriptor shared_memory_folder_;
    std::int64_t init_ = 1;
    std::vector<std::int64_t> seen_;
    std::uint64_t written_bytes_ = 0;
};

// Every process that /proc shows here.
[[nodiscard]] std::vector<process_stat> processes_of_this_host();
[[nodiscard]] std::optional<process_stat> process_of_this_host(std::int64_t pid);
// Threads of processes that run as this user, as far as /proc shows them.
[[nodiscard]] std::uint64_t count_threads_of(uid_t user);

}  // namespace headroom::chat
