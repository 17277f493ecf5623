// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/heartbeat.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <utility>

#include "chat/core/time_text.hpp"
#include "net/deadline.hpp"
#include "redis/typed_call.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

asio::awaitable<void> beat(redis::client& through, key_space keys, heartbeat_options options) {
    const auto owner = through.owner("gateway");
    const auto key = keys.heartbeat(options.worker);
    const auto started = to_iso_text(std::chrono::system_clock::now());
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    while (cancellation.cancelled() == asio::cancellation_type::none) {
        const auto next = clock::now() + options.interval;
        const auto record = boost::json::serialize(
            boost::json::object{{"worker", options.worker},
                                {"role", options.role},
                                {"started_at", started},
                                {"seen_at", to_iso_text(std::chrono::system_clock::now())}});
        // A beat that fails is followed by the next: the monitor tells when Redis is away.
        auto told = redis::commands::set(key, record, {.lifetime = options.lifetime});
        (void)co_await redis::run(through, std::move(told), {owner, next});
        co_await net::sleep_until(next);
    }
}

}  // namespace headroom::chat
