// SPDX-License-Identifier: Apache-2.0
// The life of a worker: opens everything in its order, and closes it in its order, each step
// bounded and logged. Not what the parts do.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "chat/log.hpp"
#include "config/settings.hpp"
#include "config/worker_slot.hpp"
#include "net/event.hpp"

namespace headroom::chat {

// Until `stop` is set. The exit code of the process.
[[nodiscard]] boost::asio::awaitable<int> live(boost::asio::any_io_executor executor,
                                               config::settings settings, config::worker_slot slot,
                                               net::event stop, log out);

}  // namespace headroom::chat
