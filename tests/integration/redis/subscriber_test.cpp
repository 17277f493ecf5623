// SPDX-License-Identifier: Apache-2.0
// The subscriber against a real server: confirmations, reference counts, gaps and what follows.
#include "redis/subscriber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "subscriber_fixture.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::private_redis;
using test::run_on;
using test::wait_until;

using fixture = subscriber_fixture;

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
    EXPECT_THAT(f.told, testing::ElementsAre("denied secret: NOPERM"));
}

TEST(RedisSubscriber, HearsAMessageOnceForEachChannelAndPatternItMatches) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe("news.a"));
    ASSERT_TRUE(f.subscribe_pattern("news.*"));
    ASSERT_TRUE(f.subscribe_pattern("*.a"));
    EXPECT_EQ(server.ask("PUBLISH news.a x"), ":3\r\n");
    EXPECT_EQ(server.ask("PUBLISH news.b y"), ":1\r\n");
    ASSERT_TRUE(f.was_told("news.*:news.b=y"));
    ASSERT_EQ(f.told.size(), 4U);
    EXPECT_EQ(f.told[0], "news.a=x");
    EXPECT_EQ(f.told_of("news.*:news.a=x"), 1);
    EXPECT_EQ(f.told_of("*.a:news.a=x"), 1);
    EXPECT_EQ(f.relay->stats().messages, 4U);
}

TEST(RedisSubscriber, UnsubscribesAPatternWithItsLastReferenceOnly) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe_pattern("p*"));
    ASSERT_TRUE(f.subscribe_pattern("p*"));
    ASSERT_TRUE(f.subscribe("p*"));  // a channel of that name is another topic
    f.relay->unsubscribe_pattern("p*");
    EXPECT_TRUE(f.relay->is_pattern_confirmed("p*"));
    f.relay->unsubscribe_pattern("p*");
    EXPECT_TRUE(f.becomes([&] { return server.ask("PUBSUB NUMPAT") == ":0\r\n"; }));
    EXPECT_EQ(f.relay->pattern_count(), 0U);
    EXPECT_TRUE(f.relay->is_confirmed("p*"));
}

TEST(RedisSubscriber, RestoresAllButTheTopicsTheServerTakesAway) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe_many("open-", 700));
    ASSERT_TRUE(f.subscribe("secret"));
    ASSERT_TRUE(f.subscribe_pattern("open-*"));
    ASSERT_TRUE(f.subscribe_pattern("secret*"));
    // Redis ends the connections that hear what they may no longer hear.
    EXPECT_EQ(server.ask("ACL SETUSER default resetchannels &open-*"), "+OK\r\n");
    ASSERT_TRUE(f.was_told("restored"));
    EXPECT_EQ(f.told_of("gap"), 1);
    EXPECT_EQ(f.told_of("denied secret: NOPERM"), 1);
    EXPECT_EQ(f.told_of("denied secret*: NOPERM"), 1);
    EXPECT_EQ(f.relay->stats().denied, 2U);
    for (int i = 0; i < 700; ++i)
        EXPECT_TRUE(f.relay->is_confirmed("open-" + std::to_string(i)));
    EXPECT_TRUE(f.relay->is_pattern_confirmed("open-*"));
    EXPECT_FALSE(f.relay->is_confirmed("secret"));
    EXPECT_EQ(server.ask("PUBLISH open-3 x"), ":2\r\n");

    // The rights come back: whoever asks next gets them, for all who hold the channel.
    EXPECT_EQ(server.ask("ACL SETUSER default allchannels"), "+OK\r\n");
    ASSERT_TRUE(f.subscribe("secret"));
    EXPECT_EQ(server.ask("PUBLISH secret x"), ":1\r\n");
    ASSERT_TRUE(f.was_told("secret=x"));
}

TEST(RedisSubscriber, IsRestoredOnceHoweverOftenItIsLostOnTheWay) {
    private_redis server;
    fixture f(server, 3, {.requests = {.batch_names = 16, .window_names = 32}});
    ASSERT_TRUE(f.subscribe_many("c", 5'000));
    (void)server.ask("CLIENT KILL TYPE pubsub");
    for (std::uint64_t life = 2; life <= 3; ++life) {
        std::uint64_t confirmed_before = 0;
        ASSERT_TRUE(f.becomes([&] {
            const auto now = f.relay->stats();
            if (now.connections < life) confirmed_before = now.confirmed;
            return now.connections == life && now.confirmed > confirmed_before;
        }));
        ASSERT_FALSE(f.relay->stats().is_restored) << "in the middle of this life";
        (void)server.ask("CLIENT KILL TYPE pubsub");
    }
    ASSERT_TRUE(f.was_told("restored"));
    EXPECT_THAT(f.told, testing::ElementsAre("gap", "restored"));
    const auto seen = f.relay->stats();
    EXPECT_EQ(seen.connections, 4U);
    EXPECT_EQ(seen.losses[static_cast<std::size_t>(loss_reason::closed_by_server)], 3U);
    EXPECT_EQ(seen.gaps, 1U);
    EXPECT_EQ(seen.restorations, 1U);
    EXPECT_TRUE(f.relay->is_confirmed("c0") && f.relay->is_confirmed("c4999"));
    EXPECT_EQ(server.ask("PUBLISH c2500 x"), ":1\r\n");
}

struct churn {
    fixture& f;
    std::map<std::string, int> held;
    int running = 0;

    // Takes and gives back one of five channels, again and again; keeps every third.
    static asio::awaitable<void> run(churn& self, std::uint32_t seed) {
        std::mt19937 random(seed);
        for (int round = 0; round < 60; ++round) {
            const auto name = "c" + std::to_string(random() % 5);
            const auto done = co_await self.f.relay->subscribe(name, in(20s));
            EXPECT_TRUE(done.has_value());
            EXPECT_TRUE(self.f.relay->is_confirmed(name));
            if (round % 15 == 0) {
                ++self.held[name];
            } else {
                self.f.relay->unsubscribe(name);
            }
            // Others may have held on to it: then it goes now, as it were at once.
            if (random() % 3 == 0 && self.held[name] > 0) {
                --self.held[name];
                self.f.relay->unsubscribe(name);
            }
        }
        --self.running;
    }
};

TEST(RedisSubscriber, EndsAsWantedWhenManySubscribeAndUnsubscribeAtOnce) {
    private_redis server;
    fixture f(server);
    churn c{f, {}, 40};
    for (std::uint32_t i = 0; i < 40; ++i)
        asio::co_spawn(f.loop, churn::run(c, i), asio::detached);
    ASSERT_TRUE(f.becomes([&] { return c.running == 0; }));
    for (int i = 0; i < 5; ++i) {
        const auto name = "c" + std::to_string(i);
        const auto expected = ":" + std::to_string(c.held[name] > 0 ? 1 : 0) + "\r\n";
        EXPECT_TRUE(f.becomes([&] { return server.ask("PUBLISH " + name + " x") == expected; }))
            << name;
        for (; c.held[name] > 0; --c.held[name])
            f.relay->unsubscribe(name);
    }
    EXPECT_EQ(f.relay->channel_count(), 0U);
    EXPECT_TRUE(f.becomes([&] { return server.ask("PUBSUB CHANNELS") == "*0\r\n"; }));
    EXPECT_TRUE(std::ranges::none_of(f.told, [](const std::string& each) {
        return each == "gap" || each.starts_with("denied");
    }));
}

TEST(RedisSubscriber, WaitsForABusyServerInsteadOfTakingItForARefusal) {
    private_redis server({"--busy-reply-threshold", "20"});
    fixture f(server);
    ASSERT_TRUE(f.subscribe("a"));
    std::thread script([&] { (void)server.ask("EVAL \"while true do end\" 0"); });
    const bool is_busy = f.becomes([&] { return server.ask("PING").starts_with("-BUSY"); });
    EXPECT_TRUE(is_busy);
    const auto late = test::run_on(f.loop, f.relay->subscribe("b", in(500ms)));
    EXPECT_FALSE(late.has_value());
    if (!late) EXPECT_THAT(late.error().detail, testing::HasSubstr("BUSY"));
    bool is_done = false;
    asio::co_spawn(
        f.loop, f.relay->subscribe("c", in(20s)),
        [&](const std::exception_ptr&, const result<void>& done) { is_done = done.has_value(); });
    (void)server.ask("SCRIPT KILL");
    script.join();
    EXPECT_TRUE(f.becomes([&] { return is_done; }));
    EXPECT_EQ(f.relay->stats().denied, 0U);
    EXPECT_TRUE(f.told.empty());
}

TEST(RedisSubscriber, DoesNotReturnInAHotLoopToAServerThatEndsItAtOnce) {
    private_redis server;
    (void)server.ask("CONFIG SET client-output-buffer-limit \"pubsub 8192 0 0\"");
    fixture f(server);
    ASSERT_TRUE(f.subscribe("a"));
    const auto until = in(2s);
    const std::string too_much = "PUBLISH a " + std::string(40'000, 'm');
    while (clock::now() < until) {
        // As soon as it listens again.
        const bool is_heard =
            f.becomes([&] { return f.relay->is_confirmed("a") || clock::now() >= until; }, 3s);
        ASSERT_TRUE(is_heard);
        (void)server.ask(too_much);
        ASSERT_TRUE(f.becomes([&] { return !f.relay->is_confirmed("a"); }));
    }
    // Pauses of 25 to 50 ms, 50 to 100, 100 to 200, ...: 2 s have room for seven of the shortest.
    EXPECT_LE(f.relay->stats().connections, 8U);
    EXPECT_GE(f.relay->stats().connections, 4U);
    EXPECT_TRUE(f.becomes([&] { return f.relay->is_confirmed("a"); }));
    EXPECT_EQ(f.told_of("gap"), f.told_of("restored"));
}

TEST(RedisSubscriber, LeavesNoReferenceWhenASubscribeIsCancelled) {
    private_redis server;
    fixture f(server);
    ASSERT_TRUE(f.subscribe("a"));
    server.suspend();
    asio::cancellation_signal stop;
    bool is_over = false;
    asio::co_spawn(f.loop, f.relay->subscribe("b", in(20s)),
                   asio::bind_cancellation_slot(
                       stop.slot(), [&](const std::exception_ptr&, const result<void>& done) {
                           EXPECT_FALSE(done.has_value());
                           is_over = true;
                       }));
    ASSERT_TRUE(f.becomes([&] { return f.relay->channel_count() == 2; }));
    stop.emit(asio::cancellation_type::terminal);
    EXPECT_TRUE(f.becomes([&] { return is_over; }));
    EXPECT_EQ(f.relay->channel_count(), 1U);
    server.resume();
    EXPECT_TRUE(f.becomes([&] { return server.ask("PUBLISH b x") == ":0\r\n"; }));
}

TEST(RedisSubscriber, RefusesWhatIsBeyondItsBounds) {
    private_redis server;
    fixture f(server, 3, {.topics_max = 2, .name_bytes_max = 10});
    ASSERT_TRUE(f.subscribe("a"));
    ASSERT_TRUE(f.subscribe_pattern("p*"));
    ASSERT_TRUE(f.subscribe("a"));  // no further topic
    const auto too_many = run_on(f.loop, f.relay->subscribe("b", in(5s)));
    ASSERT_FALSE(too_many.has_value());
    EXPECT_EQ(too_many.error().code, redis_errc::queue_full);
    EXPECT_THAT(too_many.error().detail, testing::HasSubstr("'b' would be one more than the 2 "));
    const auto too_long = run_on(f.loop, f.relay->subscribe("12345678901", in(5s)));
    ASSERT_FALSE(too_long.has_value());
    EXPECT_EQ(too_long.error().code, redis_errc::not_allowed);
    EXPECT_THAT(too_long.error().detail, testing::HasSubstr("11 bytes; at most 10"));
    EXPECT_EQ(f.relay->stats().channels, 1U);
}

}  // namespace
}  // namespace headroom::redis
