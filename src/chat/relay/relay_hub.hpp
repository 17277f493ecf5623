// SPDX-License-Identifier: Apache-2.0
// The receiving half of chat_relay_communicator: sessions' channels by reference count, SSE streams
// fed in order without loss unseen and without repetition. Not the HTTP side of a stream.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/key_space.hpp"
#include "chat/core/stream_event.hpp"
#include "chat/core/work_notice.hpp"
#include "chat/relay/service_communicator.hpp"

namespace headroom::chat {

// Where a stream's events go. Called on the event loop, in order; must not block, must not destroy
// its own subscription inside the call.
class stream_sink {
public:
    stream_sink() = default;
    stream_sink(const stream_sink&) = delete;
    stream_sink& operator=(const stream_sink&) = delete;
    virtual ~stream_sink() = default;
    // Events and `gap`s: some events between the last number and this one are lost, fetch what has
    // ended from the store.
    virtual void deliver(const stream_event& event) = 0;
};

struct relay_stats {
    std::size_t streams = 0;
    std::size_t sessions = 0;
    std::uint64_t delivered = 0;
    std::uint64_t gaps = 0;
};

class relay_hub {
    struct state;

public:
    // A stream's place in the hub: leaving is destroying it. Must not outlive the hub.
    class subscription {
    public:
        subscription(subscription&&) noexcept;
        subscription& operator=(subscription&&) noexcept;
        ~subscription();

    private:
        friend class relay_hub;
        subscription(std::weak_ptr<state> of, std::uint64_t id);
        std::weak_ptr<state> of_;
        std::uint64_t id_ = 0;
    };

    // Listens to all that `channels` hears.
    relay_hub(boost::asio::any_io_executor executor, service_communicator& channels,
              key_space keys);
    // stop() first.
    ~relay_hub();
    relay_hub(const relay_hub&) = delete;
    relay_hub& operator=(const relay_hub&) = delete;

    // Subscribes to the session and, with a `last_event_id`, replays its history after that number
    // into the sink before this returns. Nothing between replay and live is lost or repeated.
    [[nodiscard]] boost::asio::awaitable<result<subscription>> open(
        std::string session_id, std::optional<std::uint64_t> last_event_id, stream_sink& sink,
        deadline by);

    // Calls `on_work` (on the event loop) whenever there may be work for a processor, also after
    // the connection was lost, with work_notice::anything. Once.
    [[nodiscard]] boost::asio::awaitable<result<void>> listen_for_work(
        std::function<void(work_notice)> on_work, deadline by);

    // Every channel confirmed again and every stream caught up; for the monitor, before it tells
    // "up".
    [[nodiscard]] boost::asio::awaitable<result<void>> restore(deadline by);

    // Stops `channels`. Streams stay but hear nothing more.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);

    [[nodiscard]] relay_stats stats() const;

private:
    std::shared_ptr<state> state_;  // second owners: replays in flight, subscriptions (weakly)
};

}  // namespace headroom::chat
