// SPDX-License-Identifier: Apache-2.0
// The messages of one channel or pattern, for a consumer that cannot run inside the callback: a
// bounded queue between the connection and a coroutine. A slow consumer loses its own messages, by
// its own policy; it slows nobody else and holds no more memory than its bounds say.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/time.hpp"
#include "redis/core/message_queue.hpp"

namespace headroom::redis {

class subscriber;

// From subscriber::open_stream(). Event loop only.
class message_stream {
public:
    message_stream(message_stream&& other) noexcept;
    message_stream& operator=(message_stream&& other) noexcept;
    // Gives the reference back; the last one unsubscribes.
    ~message_stream();

    // The next message or marker, in order; at once where one is queued. Empty when `by` passed or
    // the coroutine was cancelled first. An error once the stream has ended and what was queued has
    // been taken: closed (the subscriber was stopped), queue_full (disconnect policy), or the
    // server's refusal when rights were taken away. One caller at a time.
    [[nodiscard]] boost::asio::awaitable<result<std::optional<stream_item>>> next(deadline by);

    [[nodiscard]] std::size_t queued() const;     // messages
    [[nodiscard]] std::uint64_t dropped() const;  // messages, since it was opened
    [[nodiscard]] bool has_ended() const;

private:
    friend class subscriber;
    struct state;
    explicit message_stream(std::shared_ptr<state> of);
    std::shared_ptr<state> state_;  // second owners: the subscriber, a next() that outlives this
};

}  // namespace headroom::redis
