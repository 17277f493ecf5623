// SPDX-License-Identifier: Apache-2.0
// What the components of a worker share: the pools and the monitor, which live here and nowhere
// else. Filled and emptied by the lifespan.
#pragma once

#include <memory>

#include "health/monitor.hpp"
#include "postgres/postgres_pool.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/sentinel_locator.hpp"

namespace headroom::chat {

struct app_state {
    std::unique_ptr<postgres::postgres_pool> pg_pool;
    std::shared_ptr<redis::sentinel_locator> redis_locator;  // with its pools; null: no Sentinel
    std::unique_ptr<redis::client> redis_async;              // bytes; has the subscriber
    std::unique_ptr<redis::client> redis_async_decode;       // checked text
    std::unique_ptr<redis::blocking_client> redis_sync;
    std::unique_ptr<health::monitor> redis_monitor;  // probes redis_async
};

}  // namespace headroom::chat
