// SPDX-License-Identifier: Apache-2.0
// What the supervisor knows of one worker: for the admin port. Plain values.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/time.hpp"
#include "chat/process/process_mark.hpp"

namespace headroom::chat {

// `pausing`: it ended, and its replacement is not started yet.
enum class worker_state : std::uint8_t { starting, ready, stopping, pausing };
[[nodiscard]] std::string_view to_string(worker_state of);

struct worker_view {
    std::uint32_t index = 0;
    process_mark process;
    worker_state state = worker_state::pausing;
    std::chrono::system_clock::time_point started_at{};
    std::uint64_t restarts = 0;
    std::string last_reason;  // why its predecessor ended, or why it cannot start
    std::optional<boost::json::object> snapshot;
    clock::time_point snapshot_at{};
};

}  // namespace headroom::chat
