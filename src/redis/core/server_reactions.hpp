// SPDX-License-Identifier: Apache-2.0
// The one table of what a server may say instead of doing what it was asked, and what we do about
// it. Sources: processCommand() in server.c, scriptPrepareForRun() in script.c of Redis 7.0.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "redis/core/outcome.hpp"

namespace headroom::redis {

enum class retry_rule : std::uint8_t {
    never,         // it lasts until somebody acts, or another command is meant
    with_backoff,  // it passes by itself: 50 ms to 1 s between tries
    on_another,    // at once, on another connection
};

struct server_reaction {
    std::string_view word;  // the message begins with it
    outcome result = outcome::server_error;
    retry_rule retry = retry_rule::never;
    // All connections are replaced, at most once a second: their names are resolved and their
    // credentials asked for again.
    bool replaces_connections = false;
    bool pool_backs_off = false;  // said to a dial, which is tried again with back-off
    std::string_view meaning;
    std::string_view advice;  // to the operator
};

// Null where the message is an ordinary error of its command: WRONGTYPE, ERR syntax error. Words
// are compared whole: BUSYGROUP is not BUSY.
[[nodiscard]] const server_reaction* reaction_to(std::string_view message) noexcept;
// The connection that said it is to be replaced.
[[nodiscard]] bool condemns_connection(std::string_view message) noexcept;
[[nodiscard]] std::span<const server_reaction> all_reactions() noexcept;

// `refused`: nothing of the command has run. A script's error says in its end where it arose: what
// stood before it in the script has run.
[[nodiscard]] outcome outcome_of_message(std::string_view message) noexcept;

}  // namespace headroom::redis
