// SPDX-License-Identifier: Apache-2.0
// Says in Redis, through the text pool, that this worker lives: one key with a lifetime. Nobody's
// decisions hang on it: it is for people.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "chat/core/key_space.hpp"
#include "redis/client.hpp"

namespace headroom::chat {

struct heartbeat_options {
    std::string worker;  // the key's last part
    std::string role;
    clock::duration interval = std::chrono::seconds(10);
    std::chrono::seconds lifetime{30};
};

// Until it is cancelled; then the key is left to its lifetime.
[[nodiscard]] boost::asio::awaitable<void> beat(redis::client& through, key_space keys,
                                                heartbeat_options options);

}  // namespace headroom::chat
