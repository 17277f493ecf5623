// SPDX-License-Identifier: Apache-2.0
// What is said on the work channel, to the processors of all workers. A message may be lost: each
// of them looks by itself too, only later.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::chat {

enum class work_notice : std::uint8_t {
    turns_wait,      // claim
    stop_requested,  // renew, which tells what is to be stopped
    anything,        // notices may have been missed, or a newer service says what we do not know
};

// What the queue's scripts publish for turns_wait is "added".
[[nodiscard]] std::string_view to_string(work_notice notice);
[[nodiscard]] work_notice parse_work_notice(std::string_view message);

}  // namespace headroom::chat
