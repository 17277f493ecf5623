// SPDX-License-Identifier: Apache-2.0
// On which of the connections that threads share a call goes, and when one more is worth it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace headroom::redis {

struct shared_lane_limits {
    std::uint32_t connections_max = 6;
    std::size_t commands_max = 100'000;        // queued and in flight, each connection
    std::size_t bytes_max = 64 * 1024 * 1024;  // queued to be written, each connection
    // Commands on every connection that make one more worth it. With fewer the threads would send
    // and receive for few others, and pay as much as with a connection each.
    std::size_t backlog_to_grow = 16;
    bool leaves_room_for_leases = true;  // connections_max is below the pool's cap
};

struct member_load {
    bool is_open = false;
    bool is_retiring = false;  // takes no further call; given back after its last
    std::size_t commands = 0;  // queued and in flight
    std::size_t bytes_queued = 0;
};

struct placement {
    std::optional<std::size_t> joins;  // the member; empty: none takes calls
    bool wants_another = false;        // a connection more, if the pool has one
};

// The least loaded member; ties go to the first, so that a lull leaves the others idle.
[[nodiscard]] placement place_on(std::span<const member_load> members,
                                 const shared_lane_limits& limits);

// The member to retire because a lease is waited for: the last, but for the only one where leases
// have room of their own.
[[nodiscard]] std::optional<std::size_t> member_to_give_up(std::span<const member_load> members,
                                                           const shared_lane_limits& limits);

}  // namespace headroom::redis
