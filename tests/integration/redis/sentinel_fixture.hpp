// SPDX-License-Identifier: Apache-2.0
// The pools of a worker behind real sentinels. Not the sentinels: support/private_sentinels.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/sentinel_locator.hpp"
#include "support/private_sentinels.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {

using namespace std::chrono_literals;

inline constexpr std::string_view own_names = "chat:host-1:42:";

inline endpoint endpoint_of(std::vector<std::uint16_t> sentinel_ports, std::string password = {}) {
    endpoint where;
    where.sentinel = sentinel_options{
        .sentinels = {}, .primary_name = "shop", .username = "", .password = std::move(password)};
    for (const auto port : sentinel_ports)
        where.sentinel->sentinels.push_back({"127.0.0.1", port});
    return where;
}

inline endpoint endpoint_of(test::sentinel_world& world, std::string password = {}) {
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < world.sentinel_count(); ++i)
        ports.push_back(world.sentinel(i).port());
    return endpoint_of(ports, std::move(password));
}

inline client_options options_for(const endpoint& where, std::string_view kind = pool_kind::async) {
    client_options options;
    options.server = where;
    options.identity = {"chat", "host-1", 42};
    options.kind = kind;
    options.bounds.cap = 4;
    options.bounds.backoff_max = 500ms;
    return options;
}

// The three pools and the locator of a worker, on a loop of its own.
struct worker {
    explicit worker(const endpoint& where)
        : locator(std::make_shared<sentinel_locator>(
              loop.get_executor(), sentinel_locator_options{.where = *where.sentinel,
                                                            .tls = where.tls,
                                                            .identity = {"chat", "host-1", 42}})) {
        auto bytes = options_for(where);
        bytes.locator = locator;
        bytes.has_subscriber = true;
        auto text = options_for(where, pool_kind::async_decode);
        text.locator = locator;
        text.form = reply_form::text;
        auto threads = options_for(where, pool_kind::sync);
        threads.locator = locator;
        async = std::make_unique<client>(loop.get_executor(), bytes);
        async_decode = std::make_unique<client>(loop.get_executor(), text);
        sync = std::make_unique<blocking_client>(threads);
        owner = async->owner("test");
        decode_owner = async_decode->owner("test");
        sync_owner = sync->owner("test");
    }
    ~worker() {
        EXPECT_TRUE(test::run_on(loop, async->close(test::in(5s))).has_value());
        EXPECT_TRUE(test::run_on(loop, async_decode->close(test::in(5s))).has_value());
        test::run_on(loop, locator->stop(test::in(5s)));
        EXPECT_TRUE(sync->close(test::in(5s)).has_value());
    }

    boost::asio::io_context loop{1};
    std::shared_ptr<sentinel_locator> locator;
    std::unique_ptr<client> async;
    std::unique_ptr<client> async_decode;
    std::unique_ptr<blocking_client> sync;
    pool::owner_id owner{};
    pool::owner_id decode_owner{};
    pool::owner_id sync_owner{};
};

// Every pool has a connection, and the subscriber has its channel.
inline boost::asio::awaitable<void> use_all(worker& w) {
    const auto set = co_await w.async->execute(command("SET", "k", "v"), {w.owner, test::in(5s)});
    EXPECT_TRUE(set.has_value()) << set.error().what();
    const auto got =
        co_await w.async_decode->execute(command("GET", "k"), {w.decode_owner, test::in(5s)});
    EXPECT_TRUE(got.has_value()) << got.error().what();
}

// As use_all(), from a thread, while the loop runs.
inline void use_threads(worker& w) {
    std::atomic<bool> has_ended = false;
    std::optional<result<value>> got;
    std::thread thread([&] {
        got = w.sync->execute(command("PING"), {w.sync_owner, test::in(5s)});
        has_ended = true;
    });
    EXPECT_TRUE(
        test::run_on(w.loop, test::wait_until([&] { return has_ended.load(); }, test::in(10s))));
    thread.join();
    ASSERT_TRUE(got && *got) << (got ? got->error().what() : "no answer");
}

}  // namespace headroom::redis
