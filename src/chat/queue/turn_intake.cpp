// SPDX-License-Identifier: Apache-2.0
#include "chat/queue/turn_intake.hpp"

#include <utility>

namespace headroom::chat {

namespace asio = boost::asio;

asio::awaitable<result<accepted_turn>> take_in(chat_store& store, turn_queue& queue,
                                               new_message message, deadline by) {
    auto room = co_await queue.check_room(by);
    if (!room) co_return std::unexpected(room.error());

    auto accepted = co_await store.accept(std::move(message), by);
    if (!accepted) co_return std::unexpected(accepted.error());

    if (accepted->is_first_in_line) {
        // A failure costs a moment, not the turn: the sweeper finds it in the store.
        [[maybe_unused]] auto queued =
            co_await queue.enqueue(accepted->turn_id, turn_queue::admission::already_accepted, by);
    }
    co_return accepted;
}

}  // namespace headroom::chat
