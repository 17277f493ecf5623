// SPDX-License-Identifier: Apache-2.0
// How many connections the command lane keeps, and which one a command goes to. Performs no I/O and
// reads no clock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headroom::redis {

// What one connection has in hand.
struct lane_load {
    std::size_t commands = 0;  // queued or unanswered
    std::size_t bytes = 0;     // not yet taken by the socket
};

// With fewer outstanding on each, client and server would sleep in turn on more connections.
inline constexpr std::size_t backlog_to_grow = 8;

// Least outstanding, where a long write weighs as much as many commands, since it must not delay
// what could go elsewhere. Short ones weigh the same whether they are queued or in flight: if those
// queued weighed more, what is asked in one turn would be torn into small batches.
inline constexpr std::size_t bytes_as_one_command = 16 * 1024;
[[nodiscard]] constexpr std::size_t weight_of(lane_load of) {
    return of.commands + of.bytes / bytes_as_one_command;
}

class lane_sizing {
public:
    explicit lane_sizing(std::uint32_t connections_max) : connections_max_(connections_max) {}

    // `outstanding`: commands on all connections together, after one was added.
    void on_command(std::size_t outstanding) {
        if (outstanding > peak_) peak_ = outstanding;
    }
    // `least`: commands on the connection that has the fewest.
    [[nodiscard]] bool should_grow(std::uint32_t connections, std::size_t least) const {
        return connections < connections_max_ && least >= backlog_to_grow;
    }
    // Call at a steady interval. True when one connection less would have done for all of it, with
    // half of its room to spare.
    [[nodiscard]] bool should_shrink(std::uint32_t connections, std::size_t outstanding) {
        const auto peak = peak_;
        peak_ = outstanding;
        return connections > 1 && peak < backlog_to_grow * (connections - 1) / 2;
    }

private:
    std::uint32_t connections_max_;
    std::size_t peak_ = 0;  // since the last look
};

}  // namespace headroom::redis
