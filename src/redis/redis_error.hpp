// SPDX-License-Identifier: Apache-2.0
// How a command fails. The outcome is in the code: only `refused` and `not_sent` are certain not to
// have run.
#pragma once

#include <string_view>
#include <system_error>

#include "redis/core/outcome.hpp"

namespace headroom::redis {

enum class redis_errc {
    server_error = 1,  // the server executed nothing or failed: detail is its message
    refused,           // LOADING, BUSY, READONLY, OOM, MISCONF, ...: refused before execution
    not_sent,  // no byte reached the server (no connection, deadline before the write, queue full)
    unknown,   // sent, but no answer: it may have run (connection lost, deadline, cancelled)
    protocol_error,    // the server's bytes make no sense; the connection was closed
    not_text,          // a reply of the text pool is not UTF-8: an error of this call only
    connect_failed,    // name resolution, connect or handshake
    auth_failed,       // NOAUTH, WRONGPASS, NOPERM in the handshake: trying again cannot help
    tls_failed,        // certificates, TLS files, or a server without TLS: until somebody acts
    closed,            // the client is closed
    unexpected_reply,  // well-formed, but not what this command answers
    queue_full,        // not sent: the lane holds as many commands or bytes as it may
    not_allowed,  // this command cannot run on the shared lane (blocking, session-changing, ...)
    conflict,     // somebody else changed a watched key: nothing of the transaction has run
};

[[nodiscard]] const std::error_category& redis_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(redis_errc code) noexcept {
    return {static_cast<int>(code), redis_category()};
}
// What a failure says about the command. Those of a connection, such as auth_failed, happen before
// anything is sent.
[[nodiscard]] outcome outcome_of(redis_errc code) noexcept;
// The same of an error that may be a pool's: then nothing was sent.
[[nodiscard]] outcome outcome_of(const std::error_code& code) noexcept;
// By the table in core/server_reactions: `refused` for what a server says before it executes
// anything, else `server_error`.
[[nodiscard]] redis_errc classify_server_error(std::string_view message) noexcept;

}  // namespace headroom::redis

template <>
struct std::is_error_code_enum<headroom::redis::redis_errc> : std::true_type {};
