// SPDX-License-Identifier: Apache-2.0
// Which process is meant: a pid alone may have been given to another one meanwhile.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace headroom::chat {

struct process_mark {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // in clock ticks since boot, /proc/<pid>/stat field 22

    bool operator==(const process_mark&) const = default;
};

// Of a process that exists and is no zombie.
[[nodiscard]] std::optional<process_mark> mark_of(pid_t pid);
[[nodiscard]] bool is_alive(const process_mark& one);

// Its working folder, or empty: a Redis or Postgres server works in its data folder.
[[nodiscard]] std::string working_folder_of(pid_t pid);

}  // namespace headroom::chat
