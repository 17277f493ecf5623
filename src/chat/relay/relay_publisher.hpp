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
#include "chat/redis_script.hpp"
#include "chat/relay/service_communicator.hpp"

namespace headroom::chat {

struct history_bounds {
    std::uint32_t events_max = 1000;
    std::chrono::seconds lifetime{3600};  // after the last event
};

class relay_publisher {
public:
    relay_publisher(service_communicator& channels, key_space keys, history_bounds bounds);

    // The batch's events become visible together and in order; gives the number of the first.
    // Tries again, with back-off, until `by`: a batch whose fate is unknown is looked for in the
    // history before it is published again.
    [[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> publish(
        std::string session_id, std::vector<outgoing_event> batch, deadline by);

private:
    service_communicator& channels_;
    key_space keys_;
    history_bounds bounds_;
    redis_script publish_;
};

}  // namespace headroom::chat
