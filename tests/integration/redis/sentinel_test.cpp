// SPDX-License-Identifier: Apache-2.0
// Which sentinel is asked, believed and left, and what is said when none helps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "redis/sentinel_inquiry.hpp"
#include "sentinel_fixture.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using test::sentinel_world;
using test::wait_until;
using testing::HasSubstr;

TEST(Sentinel, MovesToAnotherSentinelWhenItsOwnDies) {
    sentinel_world world;
    worker w(endpoint_of(world));
    run_on(w.loop, use_all(w));
    // One by one, the one in use first; the pools notice nothing.
    for (int left = 2; left > 0; --left) {
        const auto in_use = w.locator->stats().connected_to;
        ASSERT_TRUE(in_use.has_value());
        for (std::size_t i = 0; i < world.sentinel_count(); ++i) {
            if (world.sentinel(i).port() == in_use->port) world.sentinel(i).kill();
        }
        ASSERT_TRUE(run_on(w.loop, wait_until(
                                       [&] {
                                           const auto now = w.locator->stats();
                                           return now.connected_to && now.primary &&
                                                  now.connected_to != in_use;
                                       },
                                       in(10s))));
        EXPECT_EQ(world.count_on_sentinels(":sentinel"), 1);
        run_on(w.loop, use_all(w));
    }
    EXPECT_EQ(w.locator->stats().moves, 0);
    EXPECT_EQ(w.async->stats().opened, 1) << "no connection of a pool was lost";
    // The last one too: what is connected stays, a new dial has nobody to ask.
    for (std::size_t i = 0; i < world.sentinel_count(); ++i)
        world.sentinel(i).kill();
    ASSERT_TRUE(run_on(w.loop, wait_until([&] { return !w.locator->stats().primary; }, in(10s))));
    run_on(w.loop, use_all(w));
    w.async->retire_connections();
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(1s)}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, redis_errc::not_sent);
    EXPECT_THAT(refused.error().detail, HasSubstr("no sentinel tells where primary 'shop' is"));
    // And one that comes back is found.
    world.sentinel(2).start();
    run_on(w.loop, use_all(w));
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 1);
}

TEST(Sentinel, LeavesASilentSentinelForAnotherOne) {
    sentinel_world world;
    worker w(endpoint_of(world));
    run_on(w.loop, use_all(w));
    const auto in_use = w.locator->stats().connected_to;
    ASSERT_TRUE(in_use.has_value());
    for (std::size_t i = 0; i < world.sentinel_count(); ++i) {
        if (world.sentinel(i).port() == in_use->port) world.sentinel(i).suspend();
    }
    EXPECT_TRUE(run_on(w.loop, wait_until(
                                   [&] {
                                       const auto now = w.locator->stats();
                                       return now.connected_to && now.primary &&
                                              now.connected_to != in_use;
                                   },
                                   in(20s))));
    run_on(w.loop, use_all(w));
}

TEST(Sentinel, AsksWithAPasswordAndSaysWhenItIsWrong) {
    sentinel_world world("sesame");
    {
        worker w(endpoint_of(world, "sesame"));
        run_on(w.loop, use_all(w));
    }
    worker w(endpoint_of(world, "wrong"));
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(2s)}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, HasSubstr("WRONGPASS"));
}

TEST(Sentinel, SaysThatTheSentinelsDoNotKnowTheName) {
    sentinel_world world;
    auto where = endpoint_of(world);
    where.sentinel->primary_name = "stock";
    worker w(where);
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(2s)}));
    ASSERT_FALSE(refused.has_value());
    for (std::size_t i = 0; i < world.sentinel_count(); ++i) {
        EXPECT_THAT(refused.error().detail,
                    HasSubstr("127.0.0.1:" + std::to_string(world.sentinel(i).port()) +
                              ": it knows no primary named 'stock'"));
    }
    // Threads with a question of their own hear the same.
    sentinel_inquiry inquiry(where, "chat:host-1:42:sentinel");
    const auto told = inquiry.primary(in(2s));
    ASSERT_FALSE(told.has_value());
    EXPECT_THAT(told.error().detail, HasSubstr("it knows no primary named 'stock'"));
}

TEST(Sentinel, IsAskedByADialWithoutALocatorAndHungUpOnAtOnce) {
    sentinel_world world;
    asio::io_context loop{1};
    client redis(loop.get_executor(), options_for(endpoint_of(world)));
    const auto owner = redis.owner("test");
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 0);
    const auto pong = run_on(loop, redis.execute(command("PING"), {owner, in(5s)}));
    ASSERT_TRUE(pong.has_value()) << pong.error().what();
    EXPECT_TRUE(run_on(
        loop, wait_until([&] { return world.count_on_sentinels(":sentinel") == 0; }, in(5s))));

    blocking_client threads(options_for(endpoint_of(world), pool_kind::sync));
    const auto from_thread = threads.execute(command("PING"), {threads.owner("test"), in(5s)});
    ASSERT_TRUE(from_thread.has_value()) << from_thread.error().what();
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 0);
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
    EXPECT_TRUE(threads.close(in(5s)).has_value());
}

TEST(Sentinel, NamesEachSentinelAndItsReasonWhenAllAreDown) {
    std::vector<std::uint16_t> ports;
    {
        test::private_sentinel first(1), second(1);
        ports = {first.port(), second.port()};
    }
    worker w(endpoint_of(ports));
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(1s)}));
    ASSERT_FALSE(refused.has_value());
    for (const auto port : ports) {
        EXPECT_THAT(
            refused.error().detail,
            testing::ContainsRegex("127.0.0.1:" + std::to_string(port) + ": .*Connection refused"));
    }
    EXPECT_THAT(w.locator->wait_for_primary(in(1s)).error().detail,
                HasSubstr("Connection refused"));
}

TEST(Sentinel, SaysThatAPlainRedisIsNoSentinel) {
    const test::private_redis plain;
    worker w(endpoint_of({plain.port()}));
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(1s)}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, HasSubstr("unknown command 'SENTINEL'"));
}

// Enough of a sentinel to lie: it names `primary`, of the oldest configuration, whatever happens.
asio::awaitable<void> lie(asio::ip::tcp::acceptor& on, std::uint16_t primary, std::size_t& told) {
    const auto port = std::to_string(primary);
    const std::pair<std::string_view, std::string> answers[]{
        {"HELLO", "%1\r\n$5\r\nproto\r\n:3\r\n"},
        {"SUBSCRIBE", ">3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"},
        {"GET-MASTER-ADDR-BY-NAME",
         "*2\r\n$9\r\n127.0.0.1\r\n$" + std::to_string(port.size()) + "\r\n" + port + "\r\n"},
        {"\r\nMASTER\r\n", "%1\r\n$12\r\nconfig-epoch\r\n$1\r\n0\r\n"},
        {"SENTINELS", "*0\r\n"}};
    boost::system::error_code ec;
    for (;;) {
        auto peer = co_await on.async_accept(asio::redirect_error(asio::use_awaitable, ec));
        if (ec) co_return;
        for (std::array<char, 4096> in;;) {
            const auto n = co_await peer.async_read_some(
                asio::buffer(in), asio::redirect_error(asio::use_awaitable, ec));
            if (ec) break;
            const std::string_view asked(in.data(), n);
            if (asked.contains("GET-MASTER")) ++told;
            std::string out;
            for (const auto& [word, answer] : answers) {
                if (asked.contains(word)) out += answer;
            }
            co_await asio::async_write(peer, asio::buffer(out),
                                       asio::redirect_error(asio::use_awaitable, ec));
            if (ec) break;
        }
    }
}

TEST(Sentinel, TurnsFromASentinelThatNamesAReplicaToOneThatKnowsBetter) {
    sentinel_world world;
    asio::io_context loop{1};
    asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
    std::size_t told = 0;
    asio::co_spawn(loop, lie(acceptor, world.servers().at(1)->port(), told), asio::detached);
    auto where = endpoint_of({acceptor.local_endpoint().port(), world.sentinel(0).port()});
    auto locator = std::make_shared<sentinel_locator>(
        loop.get_executor(),
        sentinel_locator_options{
            .where = *where.sentinel, .tls = {}, .identity = {"chat", "host-1", 42}});
    auto options = options_for(where);
    options.locator = locator;
    client redis(loop.get_executor(), options);
    const auto set =
        run_on(loop, redis.execute(command("SET", "k", "v"), {redis.owner("t"), in(5s)}));
    EXPECT_TRUE(set.has_value()) << set.error().what();
    EXPECT_GE(told, 1) << "it was asked first";
    const auto now = locator->stats();
    EXPECT_EQ(now.connected_to, (host_and_port{"127.0.0.1", world.sentinel(0).port()}));
    EXPECT_EQ(now.primary, (host_and_port{"127.0.0.1", world.servers().at(0)->port()}));
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
    run_on(loop, locator->stop(in(5s)));
}

TEST(Sentinel, RefusesABlockingQuestionOnTheLoopsOwnThread) {
    worker w(endpoint_of({1}));
    std::optional<error> why;
    asio::post(w.loop, [&] { why = w.locator->wait_for_primary(in(1s)).error(); });
    (void)run_on(w.loop, wait_until([&] { return why.has_value(); }, in(5s)));
    EXPECT_EQ(why->code, redis_errc::not_allowed);
}

}  // namespace
}  // namespace headroom::redis
