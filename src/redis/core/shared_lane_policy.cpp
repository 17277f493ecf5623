// SPDX-License-Identifier: Apache-2.0
#include "redis/core/shared_lane_policy.hpp"

namespace headroom::redis {

placement shared_lane_policy::place(std::span<const member_load> members) {
    std::size_t taking = 0;
    std::size_t commands = 0;
    std::optional<std::size_t> least;
    std::optional<std::size_t> first_with_room;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto& each = members[i];
        if (!each.is_open || each.is_retiring) continue;
        ++taking;
        commands += each.commands;
        if (!least || each.commands < members[*least].commands) least = i;
        if (!first_with_room && each.commands < limits_.backlog_to_grow) first_with_room = i;
    }
    crowd_16ths_ += commands - crowd_16ths_ / 16;

    const bool is_crowded = crowd_16ths_ >= 16 * limits_.crowd_to_share;
    const bool would_wait =
        !least || (is_crowded ? !first_with_room : members[*least].commands > 0);
    return {.joins = is_crowded && first_with_room ? first_with_room : least,
            .wants_another = would_wait && taking < limits_.connections_max};
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
