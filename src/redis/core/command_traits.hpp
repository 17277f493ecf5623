// SPDX-License-Identifier: Apache-2.0
// What a command, with its arguments, does to its connection and to the data, and which keys it
// names. What is known by the name alone is in the table.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "redis/core/command.hpp"
#include "redis/core/command_table.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

// Of a command that is in no table: none, not_repeatable, no keys.
[[nodiscard]] command_effect effect_of(const command& what);
[[nodiscard]] side_effect side_effect_of(const command& what);
// Of several together.
[[nodiscard]] side_effect side_effect_of(std::span<const command> what);
// As many bytes as there are keys, clients or entries: not for a shared connection.
[[nodiscard]] bool may_answer_much(const command& what);
// Where a command may run that comes alone; one look into the table.
enum class command_place : std::uint8_t {
    shared,     // among the commands of others
    alone,      // on a connection of its own while it lasts: it blocks, or may answer much
    elsewhere,  // nowhere but on a lease that somebody keeps, or on no connection of a pool
};
[[nodiscard]] command_place place_of(const command& what);
// In the order of the command. They are views into it.
[[nodiscard]] std::vector<std::string_view> keys_of(const command& what);
// How long a command that blocks() may take when nothing comes; empty: until something does. Zero
// where the argument is no time, which the server will say.
[[nodiscard]] std::optional<std::chrono::milliseconds> block_time_of(const command& what);

// Why a command that blocks may not begin now with the deadline `by`: what it takes after that
// would be lost. Empty: it may, or does not block.
[[nodiscard]] std::optional<std::string> explain_block_time(const command& what,
                                                            clock::time_point now, deadline by);

// "blocks its connection", for error messages.
[[nodiscard]] std::string_view describe(command_effect effect);
// "SUBSCRIBE is not answered by exactly one reply: use a subscriber", for a command that cannot run
// where it was brought.
[[nodiscard]] std::string explain_not_allowed(const command& what);

// What the commands on one lease have left behind. A connection may serve the next caller only when
// it is clean.
class session_state {
public:
    void on_reply(const command& what, const value& reply);
    [[nodiscard]] bool is_clean() const { return !in_transaction_ && !watches_ && !changed_; }

private:
    bool in_transaction_ = false;
    bool watches_ = false;
    bool changed_ = false;
};

}  // namespace headroom::redis
