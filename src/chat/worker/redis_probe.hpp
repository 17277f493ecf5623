// SPDX-License-Identifier: Apache-2.0
// The monitor's question to Redis: PING, then ROLE, on the shared asynchronous client. A demoted
// primary answers PING but loses every PUBLISH.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/time.hpp"
#include "health/monitor.hpp"
#include "redis/client.hpp"

namespace headroom::chat {

[[nodiscard]] boost::asio::awaitable<health::probe_result> probe_redis(redis::client& through,
                                                                       pool::owner_id owner,
                                                                       deadline by);

}  // namespace headroom::chat
