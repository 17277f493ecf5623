// SPDX-License-Identifier: Apache-2.0
#include "chat/core/restart_policy.hpp"

#include <algorithm>

namespace headroom::chat {

clock::time_point restart_policy::on_ended(clock::time_point started, clock::time_point now) {
    if (now - started >= limits_.steady_after) {
        short_lives_ = 0;
        return now;
    }
    clock::duration pause = limits_.first;
    for (std::uint32_t doubled = 0; doubled < short_lives_ && pause < limits_.longest; ++doubled)
        pause *= 2;
    ++short_lives_;
    return now + std::min(pause, limits_.longest);
}

}  // namespace headroom::chat
