// SPDX-License-Identifier: Apache-2.0
// Reads what the kernel writes below /proc/<pid> (man 5 proc). Opens no file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "chat/executor/core/limit_watch.hpp"

namespace headroom::chat {

struct process_stat {
    std::int64_t pid = 0;
    std::int64_t parent = 0;
    std::uint64_t own_ticks = 0;     // user and system
    std::uint64_t reaped_ticks = 0;  // of children that were waited for
    std::uint32_t threads = 0;
    std::uint64_t start_time = 0;
    std::uint64_t resident_pages = 0;
};

// /proc/<pid>/stat. The name of a process is its own choice and may look like anything.
[[nodiscard]] std::optional<process_stat> parse_process_stat(std::string_view text);

// /proc/<pid>/smaps_rollup
[[nodiscard]] std::optional<shared_memory_sample> parse_smaps_rollup(std::string_view text);

// /proc/<pid>/io: bytes written to a disk, less those whose pages were dropped before.
[[nodiscard]] std::optional<std::uint64_t> parse_written_bytes(std::string_view text);

}  // namespace headroom::chat
