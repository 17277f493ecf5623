// SPDX-License-Identifier: Apache-2.0
// What has gone over the connections of a client since it was made. Only counts.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "redis/core/outcome.hpp"

namespace headroom::redis {

// Why a connection ended that nobody had asked to end.
enum class loss_reason : std::uint8_t {
    closed_by_server,  // end of file
    socket_failed,     // reset, unreachable, user timeout
    silent,            // owed replies, sent nothing for silence_max
    nonsense,          // bytes that are no reply, or a reply to no command
    refused,           // the server said why before it hung up
};
inline constexpr std::size_t loss_reasons = 5;
// The same spelling in log, metric and code.
[[nodiscard]] constexpr std::string_view to_string(loss_reason why) {
    constexpr std::array<std::string_view, loss_reasons> names{"closed_by_server", "socket_failed",
                                                               "silent", "nonsense", "refused"};
    return names[static_cast<std::size_t>(why)];
}

// Bucket i counts batches of less than 2^i commands.
inline constexpr std::size_t batch_buckets = 20;

struct lane_traffic {
    std::uint64_t bytes_written = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t batches = 0;    // commands that were encoded together, to be written together
    std::uint64_t commands = 0;   // in those batches
    std::uint64_t abandoned = 0;  // replies swallowed because their caller had given up
    std::array<std::uint64_t, batch_buckets> batch_sizes{};
    std::array<std::uint64_t, loss_reasons> losses{};
    std::array<std::uint64_t, redis::outcomes> outcomes{};  // of commands, each try by itself

    void count_batch(std::size_t size) {
        ++batches;
        commands += size;
        const auto bucket = static_cast<std::size_t>(std::bit_width(size));
        ++batch_sizes[bucket < batch_buckets ? bucket : batch_buckets - 1];
    }
    void count(outcome of, std::size_t commands_ended = 1) {
        outcomes[static_cast<std::size_t>(of)] += commands_ended;
    }
};

}  // namespace headroom::redis
