// SPDX-License-Identifier: Apache-2.0
#include "chat/queue/turn_stop.hpp"

#include <algorithm>
#include <utility>

namespace headroom::chat {

namespace asio = boost::asio;

namespace {
// Nobody waits for a Redis that is away: the next renewal comes sooner.
constexpr auto tell_time_max = std::chrono::seconds(1);
}  // namespace

asio::awaitable<result<std::uint64_t>> request_stop(chat_store& store, turn_queue& queue,
                                                    std::string session_id,
                                                    std::string conversation_id, deadline by) {
    auto marked =
        co_await store.request_stop(std::move(session_id), std::move(conversation_id), by);
    if (!marked || *marked == 0) co_return marked;
    [[maybe_unused]] auto told =
        co_await queue.announce_stop(std::min(by, clock::now() + tell_time_max));
    co_return marked;
}

}  // namespace headroom::chat
