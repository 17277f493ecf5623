// SPDX-License-Identifier: Apache-2.0
// How a message enters the service: room, store, queue, in that order. Not HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "chat/queue/turn_queue.hpp"
#include "chat/store/chat_store.hpp"

namespace headroom::chat {

// Fails before anything is stored when Redis or Postgres is away (503) or the queue is full. Once
// the turn is stored it is accepted, whatever happens to the queue: the sweeper enqueues it.
// Errors: chat_errc (no_such_conversation, queue_full, text_rejected), else of Redis or Postgres.
[[nodiscard]] boost::asio::awaitable<result<accepted_turn>> take_in(chat_store& store,
                                                                    turn_queue& queue,
                                                                    new_message message,
                                                                    deadline by);

}  // namespace headroom::chat
