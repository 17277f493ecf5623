// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/execution_gate.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace headroom::chat {

std::optional<execution_gate::arrival> execution_gate::on_arrived() {
    if (running_.size() < limits_.running_max) {
        running_.insert(next_);
        return arrival{.who = next_++};
    }
    if (waiting_.size() >= limits_.waiting_max) return std::nullopt;
    waiting_.push_back(next_);
    return arrival{.who = next_++, .ahead = waiting_.size() - 1};
}

execution_gate::moves execution_gate::on_ended(ticket who) {
    const bool ran = running_.erase(who) == 1;
    HEADROOM_ASSERT(ran, "only one that runs can end");
    moves made;
    if (waiting_.empty()) return made;
    made.start.push_back(waiting_.front());
    running_.insert(waiting_.front());
    waiting_.pop_front();
    made.waiting = places_from(0);
    return made;
}

execution_gate::moves execution_gate::on_given_up(ticket who) {
    const auto at = std::ranges::find(waiting_, who);
    HEADROOM_ASSERT(at != waiting_.end(), "only one that waits can give up");
    const auto index = static_cast<std::size_t>(at - waiting_.begin());
    waiting_.erase(at);
    return {.start = {}, .waiting = places_from(index)};
}

bool execution_gate::is_waiting(ticket who) const {
    return std::ranges::find(waiting_, who) != waiting_.end();
}

std::vector<execution_gate::place> execution_gate::places_from(std::size_t first) const {
    std::vector<place> places;
    for (std::size_t ahead = first; ahead < waiting_.size(); ++ahead)
        places.push_back({.who = waiting_[ahead], .ahead = ahead});
    return places;
}

}  // namespace headroom::chat
