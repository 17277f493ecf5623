// SPDX-License-Identifier: Apache-2.0
// What a command does to the connection it runs on, which decides where it may run. Not what it
// does to the data.
#pragma once

#include <cstdint>
#include <string_view>

#include "redis/core/command.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

enum class command_effect : std::uint8_t {
    none,         // may run on a shared connection
    blocks,       // keeps every later command waiting: BLPOP, XREAD BLOCK, WAIT
    transaction,  // WATCH, MULTI, EXEC, DISCARD, UNWATCH
    session,      // changes the connection for whoever comes next: SELECT, AUTH, CLIENT SETNAME
    pairing,      // breaks "one reply a command": SUBSCRIBE, MONITOR, CLIENT REPLY, HELLO, QUIT
};

[[nodiscard]] command_effect effect_of(const command& what);
// "blocks the connection", for error messages.
[[nodiscard]] std::string_view describe(command_effect effect);

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
