// SPDX-License-Identifier: Apache-2.0
// The command lane gives its connections back when their lifetime ends, and nobody notices.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <set>
#include <string>

#include "redis/client.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::private_redis;
using test::run_on;
using test::wait_until;

constexpr auto lifetime = 40ms;
constexpr std::size_t callers = 16;
constexpr std::size_t generations = 8;

struct seen {
    std::set<std::int64_t> connections;  // their ids on the server
    std::size_t at_once = 0;             // most of them there together
    std::size_t failures = 0;
    std::size_t callers_left = callers;
};

// The first answer counts: a retry would hide a connection that was closed under somebody.
asio::awaitable<void> ask_until_replaced(client& redis, pool::owner_id owner, seen& all) {
    const auto end = in(20s);
    while (all.connections.size() < generations && clock::now() < end) {
        auto id = co_await redis.execute(command("CLIENT", "ID"), {owner, in(5s), false});
        if (id) {
            all.connections.insert(id->integer);
        } else {
            ++all.failures;
            ADD_FAILURE() << id.error().what();
        }
        all.at_once = std::max<std::size_t>(all.at_once, redis.stats().size());
    }
    --all.callers_left;
}

class LaneLifetime : public testing::TestWithParam<std::uint32_t> {};

TEST_P(LaneLifetime, EndsForABusyConnectionWithoutAnybodyNoticing) {
    private_redis server;
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = pool_kind::async;
    options.bounds.cap = GetParam();
    options.bounds.lifetime = lifetime;
    asio::io_context loop(1);
    client redis(loop.get_executor(), options);
    const auto owner = redis.owner("test");

    seen all;
    for (std::size_t i = 0; i < callers; ++i) {
        asio::co_spawn(loop, ask_until_replaced(redis, owner, all),
                       [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    }
    EXPECT_TRUE(run_on(loop, wait_until([&] { return all.callers_left == 0; }, in(30s))));
    EXPECT_GE(all.connections.size(), generations);
    EXPECT_LE(all.at_once, GetParam());
    EXPECT_EQ(redis.lane().reconnects, 0U) << "given back, none lost";

    // Nobody asks: what has outlived itself is closed, and nothing is opened in its place.
    EXPECT_TRUE(run_on(loop, wait_until([&] { return redis.stats().size() == 0; }, in(5s))));
    EXPECT_TRUE(server.client_names().empty());
    const auto& closed = redis.stats().closed;
    EXPECT_EQ(closed[std::size_t(pool::close_reason::lifetime)], redis.stats().opened);
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
}
// With one connection there is no room for the next before the last has gone.
INSTANTIATE_TEST_SUITE_P(Caps, LaneLifetime, testing::Values(1U, 2U, 6U));

TEST(LaneLifetimeOnAFullServer, KeepsTheConnectionItHas) {
    private_redis server;
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = pool_kind::async;
    options.bounds.cap = 2;
    options.bounds.lifetime = 200ms;
    asio::io_context loop(1);
    client redis(loop.get_executor(), options);
    const auto owner = redis.owner("test");
    const auto first = run_on(loop, redis.execute(command("CLIENT", "ID"), {owner, in(5s), false}));
    ASSERT_TRUE(first.has_value());
    ASSERT_EQ(run_on(loop, redis.execute(command("CONFIG", "SET", "maxclients", 1),
                                         {owner, in(5s), false}))
                  ->text,
              "OK");
    // Always one outstanding: a busy lane. Beyond the five seconds that a dial ahead is given.
    std::size_t asked = 0;
    const auto ask = [&]() -> asio::awaitable<void> {
        for (const auto end = in(6500ms); clock::now() < end; ++asked) {
            auto id = co_await redis.execute(command("CLIENT", "ID"), {owner, in(5s), false});
            EXPECT_TRUE(id.has_value()) << id.error().what();
            if (id) EXPECT_EQ(id->integer, first->integer);
        }
    };
    run_on(loop, ask());
    EXPECT_GE(redis.stats().opens_failed, 1U) << "the next one was tried";
    EXPECT_GT(asked, 0U);
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
}

}  // namespace
}  // namespace headroom::redis
