// SPDX-License-Identifier: Apache-2.0
// A subscriber on a private server, and what its callbacks were told, in order.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis/client.hpp"
#include "redis/subscriber.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {

struct subscriber_fixture {
    explicit subscriber_fixture(const std::string& socket_path, std::uint32_t cap = 3,
                                subscriber_options chosen = {}) {
        client_options options;
        options.server.unix_path = socket_path;
        options.identity = {"chat", "host-1", 42};
        options.kind = pool_kind::async;
        options.has_subscriber = true;
        options.bounds.cap = cap;
        redis = std::make_unique<client>(loop.get_executor(), std::move(options));
        relay = std::make_unique<subscriber>(*redis, "relay", callbacks(), chosen);
    }
    explicit subscriber_fixture(const test::private_redis& server, std::uint32_t cap = 3,
                                subscriber_options chosen = {})
        : subscriber_fixture(server.unix_path(), cap, chosen) {}
    ~subscriber_fixture() {
        test::run_on(loop, relay->stop(test::in(std::chrono::seconds(5))));
        const auto closed = test::run_on(loop, redis->close(test::in(std::chrono::seconds(5))));
        EXPECT_TRUE(closed.has_value());
    }
    subscriber_fixture(const subscriber_fixture&) = delete;
    subscriber_fixture& operator=(const subscriber_fixture&) = delete;

    [[nodiscard]] bool subscribe(std::string channel,
                                 clock::duration within = std::chrono::seconds(5)) {
        return test::run_on(loop, relay->subscribe(std::move(channel), test::in(within)))
            .has_value();
    }
    [[nodiscard]] bool subscribe_pattern(std::string pattern) {
        const auto by = test::in(std::chrono::seconds(5));
        return test::run_on(loop, relay->subscribe_pattern(std::move(pattern), by)).has_value();
    }
    // From `prefix`0 on, a thousand at once.
    [[nodiscard]] bool subscribe_many(const std::string& prefix, int count) {
        for (int from = 0; from < count; from += 1'000) {
            auto left = std::make_shared<int>(0);
            for (int i = from; i < std::min(from + 1'000, count); ++i) {
                ++*left;
                boost::asio::co_spawn(loop,
                                      relay->subscribe(prefix + std::to_string(i),
                                                       test::in(std::chrono::seconds(30))),
                                      [left](const std::exception_ptr&, const result<void>& done) {
                                          EXPECT_TRUE(done.has_value());
                                          --*left;
                                      });
            }
            if (!becomes([left] { return *left == 0; })) return false;
        }
        return true;
    }
    [[nodiscard]] bool becomes(std::function<bool()> condition,
                               clock::duration within = std::chrono::seconds(10)) {
        return test::run_on(loop, test::wait_until(std::move(condition), test::in(within)));
    }
    [[nodiscard]] bool was_told(const std::string& what) {
        return becomes([this, what] { return told_of(what) > 0; });
    }
    [[nodiscard]] std::ptrdiff_t told_of(const std::string& what) const {
        return std::ranges::count(told, what);
    }
    [[nodiscard]] result<message_stream> open_stream(topic what, stream_bounds bounds = {}) {
        std::optional<result<message_stream>> opened;  // a coroutine's result is made empty first
        test::run_on(loop, open(*relay, what, bounds, opened));
        return std::move(*opened);
    }
    static boost::asio::awaitable<void> open(subscriber& of, topic what, stream_bounds bounds,
                                             std::optional<result<message_stream>>& into) {
        into.emplace(co_await of.open_stream(what.kind, std::string(what.name), bounds,
                                             test::in(std::chrono::seconds(5))));
    }
    [[nodiscard]] result<std::optional<stream_item>> next(
        message_stream& from, clock::duration within = std::chrono::seconds(5)) {
        return test::run_on(loop, from.next(test::in(within)));
    }

    subscriber_callbacks callbacks() {
        return {.on_message =
                    [this](std::string_view channel, std::string_view payload) {
                        told.push_back(std::string(channel) + "=" + std::string(payload));
                    },
                .on_gap = [this](const error&) { told.emplace_back("gap"); },
                .on_restored = [this] { told.emplace_back("restored"); },
                .on_pattern_message =
                    [this](std::string_view pattern, std::string_view channel,
                           std::string_view payload) {
                        told.push_back(std::string(pattern) + ":" + std::string(channel) + "=" +
                                       std::string(payload));
                    },
                .on_denied =
                    [this](const topic& what, const error& why) {
                        told.push_back("denied " + std::string(what.name) + ": " +
                                       why.detail.substr(0, 6));
                    }};
    }

    boost::asio::io_context loop{1};
    std::unique_ptr<client> redis;
    std::unique_ptr<subscriber> relay;
    std::vector<std::string> told;
};

}  // namespace headroom::redis
