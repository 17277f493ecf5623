// SPDX-License-Identifier: Apache-2.0
// Reads a session's history, a page at a time. Not what a stream makes of it: core/stream_cursor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "chat/core/key_space.hpp"
#include "chat/core/stream_cursor.hpp"
#include "chat/relay/service_communicator.hpp"
#include "redis/script.hpp"

namespace headroom::chat {

class session_history {
public:
    session_history(service_communicator& channels, key_space keys);

    // The events after `position`; without one, only where the history ends.
    [[nodiscard]] boost::asio::awaitable<result<history_page>> read(
        std::string session_id, std::optional<std::uint64_t> position, deadline by);

private:
    service_communicator& channels_;
    key_space keys_;
    redis::script read_;
};

}  // namespace headroom::chat
