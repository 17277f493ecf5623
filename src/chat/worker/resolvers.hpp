// SPDX-License-Identifier: Apache-2.0
// The only place of the service where pools are made: three Redis pools and one of Postgres for a
// worker. Nothing is dialled here; the floor of the Postgres pool is, by the pool itself.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/client_name.hpp"
#include "chat/log.hpp"
#include "chat/worker/app_state.hpp"
#include "config/settings.hpp"
#include "redis/endpoint.hpp"

namespace headroom::chat {

struct redis_clients {
    std::shared_ptr<redis::sentinel_locator> locator;  // of the three; empty without Sentinel
    std::unique_ptr<redis::client> async;
    std::unique_ptr<redis::client> async_decode;
    std::unique_ptr<redis::blocking_client> sync;
};

// This process, as connections name it.
[[nodiscard]] process_identity identity_of(const config::settings& from);

// Where the pools dial, with the credentials; an executor is told the same.
[[nodiscard]] redis::endpoint endpoint_of(const config::redis_settings& from);

[[nodiscard]] redis_clients get_redis_clients(boost::asio::any_io_executor executor,
                                              const config::settings& from);
[[nodiscard]] std::unique_ptr<postgres::postgres_pool> get_pg_pool(
    boost::asio::any_io_executor executor, const config::settings& from);

// async, async_decode, sync, each until `by` at most; what does not close in time is logged.
[[nodiscard]] boost::asio::awaitable<void> close_redis_clients(app_state& of, log out, deadline by);

}  // namespace headroom::chat
