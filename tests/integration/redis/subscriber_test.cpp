// SPDX-License-Identifier: Apache-2.0
// The subscriber against a real server: confirmations, reference counts, gaps and what follows.
#include "redis/subscriber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

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

struct fixture {
    explicit fixture(const private_redis& server, std::uint32_t cap = 3) {
        client_options options;
        options.server.unix_path = server.unix_path();
        options.identity = {"chat", "host-1", 42};
        options.kind = pool_kind::async;
        options.has_subscriber = true;
        options.bounds.cap = cap;
        redis = std::make_unique<client>(loop.get_executor(), std::move(options));
        relay = std::make_unique<subscriber>(
            *redis, "relay",
            subscriber_callbacks{[this](std::string_view channel, std::string_view payload) {
                                     told.push_back(std::string(channel) + "=" +
                                                    std::string(payload));
                                 },
                                 [this](const error&) { told.emplace_back("gap"); },
                                 [this] { told.emplace_back("restored"); }});
    }
    ~fixture() {
        run_on(loop, relay->stop(in(5s)));
        EXPECT_TRUE(run_on(loop, redis->close(in(5s))).has_value());
    }
    [[nodiscard]] bool subscribe(std::string channel, clock::duration within = 5s) {
        const auto done = run_on(loop, relay->subscribe(std::move(channel), in(within)));
        return done.has_value();
    }
    [[nodiscard]] bool becomes(std::function<bool()> condition) {
        return run_on(loop, wait_until(std::move(condition), in(10s)));
    }
    [[nodiscard]] bool was_told(const std::string& what) {
        return becomes([this, what] { return std::ranges::count(told, what) > 0; });
    }

    asio::io_context loop{1};
    std::unique_ptr<client> redis;
    std::unique_ptr<subscriber> relay;
    std::vector<std::string> told;
};

TEST(RedisSubscriber, DialsNothingBeforeTheFirstSubscribe) {
    private_redis server;
    fixture f(server);
    EXPECT_TRUE(run_on(f.loop, f.relay->restore(in(1s))).has_value());
    EXPECT_EQ(f.redis->stats().size(), 0U);
}

TEST(RedisSubscriber, DeliversMessagesInOrderOnceTheServerHasConfirmed) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe("news"));
    EXPECT_TRUE(f.relay->is_confirmed("news"));
    EXPECT_EQ(server.ask("PUBLISH news one"), ":1\r\n");
    EXPECT_EQ(server.ask("PUBLISH news two"), ":1\r\n");
    EXPECT_EQ(server.ask("PUBLISH other x"), ":0\r\n");
    ASSERT_TRUE(f.was_told("news=two"));
    EXPECT_THAT(f.told, testing::ElementsAre("news=one", "news=two"));
    EXPECT_EQ(f.redis->owners().at(1).name, "relay");
    EXPECT_EQ(f.redis->owners().at(1).leased, 1U);
}

TEST(RedisSubscriber, UnsubscribesWithTheLastReferenceOnly) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe("news"));
    ASSERT_TRUE(f.subscribe("news"));
    f.relay->unsubscribe("news");
    EXPECT_TRUE(f.relay->is_confirmed("news"));
    f.relay->unsubscribe("news");
    EXPECT_EQ(f.relay->channel_count(), 0U);
    EXPECT_TRUE(f.becomes([&] { return server.ask("PUBLISH news x") == ":0\r\n"; }));
    // Again, and at once after the wish to leave.
    ASSERT_TRUE(f.subscribe("news"));
    f.relay->unsubscribe("news");
    ASSERT_TRUE(f.subscribe("news"));
    EXPECT_EQ(server.ask("PUBLISH news x"), ":1\r\n");
}

TEST(RedisSubscriber, TellsOneGapAndOneRestorationForEachLoss) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe("a"));
    ASSERT_TRUE(f.subscribe("b"));
    for (int round = 0; round < 3; ++round) {
        f.told.clear();
        (void)server.ask("CLIENT KILL TYPE pubsub");
        ASSERT_TRUE(f.was_told("restored"));
        EXPECT_THAT(f.told, testing::ElementsAre("gap", "restored"));
        EXPECT_TRUE(f.relay->is_confirmed("a") && f.relay->is_confirmed("b"));
        EXPECT_EQ(server.ask("PUBLISH a x"), ":1\r\n");
        ASSERT_TRUE(f.was_told("a=x"));
        EXPECT_EQ(server.count_clients("chat:host-1:42:async"), 1U);
    }
}

TEST(RedisSubscriber, ComesBackAfterTheServerDied) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe("a"));
    server.kill();
    ASSERT_TRUE(f.was_told("gap"));
    EXPECT_FALSE(f.relay->is_confirmed("a"));
    EXPECT_FALSE(f.subscribe("b", 100ms));  // leaves no reference
    EXPECT_EQ(f.relay->channel_count(), 1U);
    server.start();
    EXPECT_TRUE(run_on(f.loop, f.relay->restore(in(15s))).has_value());
    EXPECT_TRUE(f.relay->is_confirmed("a"));
    EXPECT_THAT(f.told, testing::ElementsAre("gap", "restored"));
    EXPECT_EQ(server.ask("PUBLISH a x"), ":1\r\n");
}

TEST(RedisSubscriber, NoticesAServerThatNoLongerAnswers) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe("a"));
    server.suspend();
    EXPECT_TRUE(f.was_told("gap"));  // PING each three seconds, three seconds to answer
    server.resume();
    EXPECT_TRUE(f.was_told("restored"));
}

TEST(RedisSubscriber, LeavesRoomForTheLaneAtTheSmallestCap) {
    private_redis server;
    fixture f(server, 2);
    ASSERT_TRUE(f.subscribe("a"));
    const auto owner = f.redis->owner("test");
    EXPECT_TRUE(run_on(f.loop, f.redis->execute(command("PING"), {owner, in(5s)})).has_value());
    EXPECT_EQ(server.client_names().size(), 2U);
}

TEST(RedisSubscriber, SaysWhichChannelTheServerRefusesAndKeepsTheOthers) {
    private_redis server({"--acl-pubsub-default", "resetchannels"});
    (void)server.ask("ACL SETUSER default resetchannels &open*");
    fixture f(server);
    ASSERT_TRUE(f.subscribe("open-1"));
    const auto refused = run_on(f.loop, f.relay->subscribe("secret", in(5s)));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, redis_errc::server_error);
    EXPECT_THAT(refused.error().detail, testing::StartsWith("NOPERM"));
    EXPECT_TRUE(f.relay->is_confirmed("open-1"));
    ASSERT_TRUE(f.subscribe("open-2"));
    EXPECT_TRUE(f.told.empty());
}

TEST(RedisSubscriber, ConfirmsTenThousandChannelsAgainAfterALoss) {
    private_redis server;
    fixture f(server);
    const auto subscribe_all = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 10'000; i += 100) {
            auto left = std::make_shared<int>(100);
            for (int j = 0; j < 100; ++j) {
                asio::co_spawn(f.loop, f.relay->subscribe("c" + std::to_string(i + j), in(20s)),
                               [left](const std::exception_ptr&, const result<void>& done) {
                                   EXPECT_TRUE(done.has_value());
                                   --*left;
                               });
            }
            const auto all = co_await wait_until([left] { return *left == 0; }, in(20s));
            EXPECT_TRUE(all);
        }
    };
    run_on(f.loop, subscribe_all());
    (void)server.ask("CLIENT KILL TYPE pubsub");
    ASSERT_TRUE(f.was_told("restored"));
    EXPECT_TRUE(f.relay->is_confirmed("c0") && f.relay->is_confirmed("c9999"));
    EXPECT_EQ(server.ask("PUBLISH c5000 x"), ":1\r\n");
}

}  // namespace
}  // namespace headroom::redis
