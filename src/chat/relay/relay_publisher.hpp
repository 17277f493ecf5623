// SPDX-License-Identifier: Apache-2.0
// The sending half of chat_relay_communicator: numbers a batch of events, keeps it in the session's
// bounded history and publishes it, in one script.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/key_space.hpp"
#include "chat/core/stream_event.hpp"
#include "chat/relay/service_communicator.hpp"
#include "redis/script.hpp"

namespace headroom::chat {

struct relay_bounds {
    std::uint32_t events_max = 1000;      // of a session's history
    std::chrono::seconds lifetime{3600};  // of it, after the last event
    // Then a publication without an answer is tried again: its connection may be dead.
    clock::duration attempt_time_max = std::chrono::seconds(5);
};

class relay_publisher {
public:
    relay_publisher(service_communicator& channels, key_space keys, relay_bounds bounds);

    // The batch's events become visible together and in order; gives the number of the first.
    // Tries again, with back-off, until `by` or until cancelled: a batch whose fate is unknown is
    // looked for in the whole history before it is published again. What Redis refuses for good
    // ends it at once: auth_failed, server_error.
    [[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> publish(
        std::string session_id, std::vector<outgoing_event> batch, deadline by);

private:
    service_communicator& channels_;
    key_space keys_;
    relay_bounds bounds_;
    redis::script publish_;
};

}  // namespace headroom::chat
