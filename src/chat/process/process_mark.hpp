// SPDX-License-Identifier: Apache-2.0
// Whether the process that a mark means is still there.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "config/run_record.hpp"

namespace headroom::chat {

using config::process_mark;

// Of a process that exists and is no zombie.
[[nodiscard]] std::optional<process_mark> mark_of(pid_t pid);
[[nodiscard]] bool is_alive(const process_mark& one);

// Its working folder, or empty: a Redis or Postgres server works in its data folder.
[[nodiscard]] std::string working_folder_of(pid_t pid);

}  // namespace headroom::chat
