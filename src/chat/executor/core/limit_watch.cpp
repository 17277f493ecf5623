// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/limit_watch.hpp"

#include <algorithm>
#include <utility>

namespace headroom::chat {
namespace {

// <asm/signal.h>: a core includes no system header.
constexpr int signal_kill = 9;
constexpr int signal_cpu_time = 24;

// The kernel counts a process' time more finely than it shows it.
constexpr std::chrono::milliseconds cpu_time_grain{50};

}  // namespace

watch_answer limit_watch::on_sample(const usage_sample& seen) {
    count_cpu(seen);
    std::uint64_t resident = seen.memory_folder_bytes;
    std::uint64_t threads = 0;
    for (const process_sample& one : seen.processes) {
        resident += one.resident_bytes;
        threads += std::max<std::uint32_t>(one.threads, 1);
    }
    memory_folder_bytes_ = seen.memory_folder_bytes;
    const bool is_memory_clear = resident <= within_.memory_bytes;
    if (is_memory_clear) memory_most_ = std::max(memory_most_, resident);

    if (seen.wall >= within_.wall_time) return {.stop = execution_stop::wall_time};
    if (threads > within_.processes) return {.stop = execution_stop::processes};
    if (cpu_time_ >= within_.cpu_time) return {.stop = execution_stop::cpu_time};
    if (seen.folders) {
        const folder_sample& at = *seen.folders;
        if (at.bytes > within_.folder_bytes || at.entries > within_.folder_entries ||
            !at.is_complete || at.written_bytes / written_factor > within_.folder_bytes)
            return {.stop = execution_stop::folder};
    }
    return {.look_at_shared_memory = !is_memory_clear};
}

std::optional<execution_stop> limit_watch::on_shared_memory(const shared_memory_sample& seen) {
    // A file of /tmp or /dev/shm that is mapped is in both of the last two.
    const std::uint64_t used =
        seen.private_bytes + std::max(seen.shared_bytes, memory_folder_bytes_);
    memory_most_ = std::max(memory_most_, used);
    if (used > within_.memory_bytes) return execution_stop::memory;
    return std::nullopt;
}

void limit_watch::count_cpu(const usage_sample& seen) {
    std::map<identity, std::chrono::milliseconds> now;
    std::chrono::milliseconds credited = seen.reaped_cpu;
    std::chrono::milliseconds alive{0};
    for (const process_sample& one : seen.processes) {
        now[{one.pid, one.start_time}] = one.own_cpu;
        credited += one.own_cpu + one.reaped_cpu;
        alive += one.own_cpu;
    }
    for (const auto& [who, used] : own_cpu_) {
        if (!now.contains(who)) gone_cpu_ += used;
    }
    own_cpu_ = std::move(now);
    cpu_time_ = std::max({cpu_time_, credited, gone_cpu_ + alive});
}

std::optional<execution_stop> limit_behind_signal(int number, std::chrono::milliseconds cpu_time,
                                                  const execution_limits& within) {
    const bool is_used_up = cpu_time + cpu_time_grain >= within.cpu_time;
    if (is_used_up && (number == signal_cpu_time || number == signal_kill))
        return execution_stop::cpu_time;
    return std::nullopt;
}

}  // namespace headroom::chat
