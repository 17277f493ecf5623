// SPDX-License-Identifier: Apache-2.0
// How the chat service refuses, beyond what Redis and Postgres say themselves.
#pragma once

#include <system_error>

namespace headroom::chat {

enum class chat_errc {
    no_such_conversation = 1,  // unknown, or another session's: the two must look the same
    queue_full,                // as many turns wait as the service or the conversation allows
    text_rejected,             // empty, not UTF-8, with a NUL, or longer than may be stored
    turn_stopped,              // the turn was taken away, deleted or is being stopped: emit no more
    answer_too_long,           // the answer reached its bound
    bundle_failed,             // the bundle could not answer: detail is for the log, not the user
    unexpected_answer,         // Redis or Postgres answered in another shape than asked for
    closed,                    // the component is stopping
    buffer_full,               // as many events are held for Redis as may be
    execution_failed,          // code could not be run: detail says why
};

[[nodiscard]] const std::error_category& chat_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(chat_errc code) noexcept {
    return {static_cast<int>(code), chat_category()};
}

}  // namespace headroom::chat

template <>
struct std::is_error_code_enum<headroom::chat::chat_errc> : std::true_type {};
