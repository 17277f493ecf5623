// SPDX-License-Identifier: Apache-2.0
// The session level of talking through Redis: numbered events published to a session, and a
// session's streams fed from its history and its channel. One class for a worker, which does both,
// and for an executor, which publishes only. Not how Redis is reached: service_communicator.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/key_space.hpp"
#include "chat/core/stream_event.hpp"
#include "chat/relay/relay_hub.hpp"
#include "chat/relay/relay_publisher.hpp"
#include "chat/relay/service_communicator.hpp"

namespace headroom::chat {

// Event loop only.
class chat_relay_communicator {
public:
    // A stream's place in its session: leaving is destroying it. Must not outlive the communicator.
    using subscription = relay_hub::subscription;

    // `channels` outlives it, and is listened to by it alone.
    chat_relay_communicator(boost::asio::any_io_executor executor, service_communicator& channels,
                            key_space keys, relay_bounds bounds = {});

    // As relay_publisher::publish().
    [[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> publish(
        std::string session_id, std::vector<outgoing_event> batch, deadline by);

    // As relay_hub has them.
    [[nodiscard]] boost::asio::awaitable<result<subscription>> open(
        std::string session_id, std::optional<std::uint64_t> last_event_id, stream_sink& sink,
        deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> listen_for_work(
        std::function<void(work_notice)> on_work, deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> restore(deadline by);
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);
    [[nodiscard]] relay_stats stats() const { return receiving_.stats(); }

private:
    relay_publisher sending_;
    relay_hub receiving_;
};

}  // namespace headroom::chat
