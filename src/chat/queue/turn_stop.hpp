// SPDX-License-Identifier: Apache-2.0
// How people stop the turns of a conversation: the mark in the store, then the word to all
// processors. Not HTTP; the turns end in their processors.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "chat/queue/turn_queue.hpp"
#include "chat/store/chat_store.hpp"

namespace headroom::chat {

// How many unended turns are asked to stop, those that wait too; 0 when all have ended. Fails only
// when the store does: a processor that Redis cannot tell sees the mark at its next renewal.
// Errors: chat_errc::no_such_conversation, else of Postgres.
[[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> request_stop(
    chat_store& store, turn_queue& queue, std::string session_id, std::string conversation_id,
    deadline by);

}  // namespace headroom::chat
