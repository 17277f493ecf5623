// SPDX-License-Identifier: Apache-2.0
// The life of a worker: opens everything in its order, and closes it in its order, each step
// bounded and logged. Not what the parts do.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "chat/bundles/bundle_definition.hpp"
#include "chat/log.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"
#include "config/worker_slot.hpp"
#include "net/event.hpp"

namespace headroom::chat {

// What a worker is told at its start.
struct worker_start {
    config::settings settings;
    config::worker_slot slot;
    bundle_registry bundles;  // all that settings.bundles may name
    config::environment variables;
};

// Until `stop` is set. The exit code of the process.
[[nodiscard]] boost::asio::awaitable<int> live(boost::asio::any_io_executor executor,
                                               worker_start told, net::event stop, log out);

}  // namespace headroom::chat
