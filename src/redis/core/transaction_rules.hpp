// SPDX-License-Identifier: Apache-2.0
// What may be part of a transaction, what the replies to MULTI ... EXEC say, and when to try again
// after a conflict. Sends nothing. https://redis.io/docs/latest/develop/interact/transactions/
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "redis/core/command.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

// Why it cannot be queued, or read, within a transaction: it blocks, or changes the connection.
[[nodiscard]] std::optional<std::string> refusal_in_transaction(const command& what);

// MULTI, the commands, EXEC.
[[nodiscard]] std::vector<command> frame_transaction(std::vector<command> commands);

enum class transaction_end : std::uint8_t {
    committed,   // all have run, though some may have failed: their errors are among the values
    conflict,    // a watched key was changed by somebody else: none has run
    aborted,     // one was refused when it was queued, or EXEC itself was: none has run
    ran_apart,   // MULTI was refused: what followed ran command by command, some of it at least
    unreadable,  // EXEC's answer makes no sense
};

struct transaction_verdict {
    transaction_end end = transaction_end::unreadable;
    std::vector<value> values;  // committed: one for each command
    std::string
        server_message;  // aborted: the error that caused it, which tells of what kind it is
    std::string reason;  // not committed: for people
    // The server is certain to have left the transaction. Without that the connection would queue
    // whatever the next caller sends.
    bool is_left = true;
};

// `framed` begins with MULTI and ends with EXEC; one reply for each of them.
[[nodiscard]] transaction_verdict judge_transaction(std::span<const command> framed,
                                                    std::vector<value> replies);

// After `conflicts` of them in a row: a random share (0 to 1) of a bound that doubles from 2 ms to
// 64 ms. Callers who collided once draw apart, and nobody waits long for a key that is free again.
[[nodiscard]] std::chrono::microseconds pause_after_conflict(std::uint32_t conflicts, double share);

}  // namespace headroom::redis
