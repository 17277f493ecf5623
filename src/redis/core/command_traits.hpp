// SPDX-License-Identifier: Apache-2.0
// What a command, with its arguments, does to its connection and to the data, and which keys it
// names. What is known by the name alone is in the table.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/core/command.hpp"
#include "redis/core/command_table.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

// Of a command that is in no table: none, not_repeatable, no keys.
[[nodiscard]] command_effect effect_of(const command& what);
[[nodiscard]] side_effect side_effect_of(const command& what);
// As many bytes as there are keys, clients or entries: not for a shared connection.
[[nodiscard]] bool may_answer_much(const command& what);
// In the order of the command. They are views into it.
[[nodiscard]] std::vector<std::string_view> keys_of(const command& what);
// How long a command that blocks() may take when nothing comes; empty: until something does. Zero
// where the argument is no time, which the server will say.
[[nodiscard]] std::optional<std::chrono::milliseconds> block_time_of(const command& what);

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
