// SPDX-License-Identifier: Apache-2.0
#include "redis/core/shared_lane_policy.hpp"

namespace headroom::redis {

placement place_on(std::span<const member_load> members, const shared_lane_limits& limits) {
    placement found;
    std::size_t taking = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto& each = members[i];
        if (!each.is_open || each.is_retiring) continue;
        ++taking;
        if (!found.joins || each.commands < members[*found.joins].commands) found.joins = i;
    }
    found.wants_another =
        !found.joins || (taking < limits.connections_max &&
                         members[*found.joins].commands >= limits.backlog_to_grow);
    return found;
}

std::optional<std::size_t> member_to_give_up(std::span<const member_load> members,
                                             const shared_lane_limits& limits) {
    std::optional<std::size_t> last;
    std::size_t taking = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (!members[i].is_open || members[i].is_retiring) continue;
        ++taking;
        last = i;
    }
    if (taking == 1 && limits.leaves_room_for_leases) return std::nullopt;
    return last;
}

}  // namespace headroom::redis
