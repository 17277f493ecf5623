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
    // While as many are there on average, each has a connection for itself as far as they go. With
    // more, all go on the first connection that has fewer than backlog_to_grow: the more share one,
    // the fewer sends, receives and switches each costs (docs/redis.md has the figures).
    std::size_t crowd_to_share = 6;
    std::size_t backlog_to_grow = 32;
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

class shared_lane_policy {
public:
    explicit shared_lane_policy(const shared_lane_limits& limits) : limits_(limits) {}

    // For a call that arrives now.
    [[nodiscard]] placement place(std::span<const member_load> members);
    [[nodiscard]] const shared_lane_limits& limits() const { return limits_; }

private:
    const shared_lane_limits limits_;
    std::size_t crowd_16ths_ = 0;  // commands that arrivals found, averaged over about 16
};

// The member to retire because a lease is waited for: the last, but for the only one where leases
// have room of their own.
[[nodiscard]] std::optional<std::size_t> member_to_give_up(std::span<const member_load> members,
                                                           const shared_lane_limits& limits);

}  // namespace headroom::redis
