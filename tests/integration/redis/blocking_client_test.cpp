// SPDX-License-Identifier: Apache-2.0
// The blocking client against a real server, from several threads.
#include "redis/blocking_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/private_redis.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using test::private_redis;

deadline in(clock::duration from_now) {
    return clock::now() + from_now;
}

client_options options_for(const private_redis& server, std::uint32_t cap = 3) {
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = pool_kind::sync;
    options.bounds.cap = cap;
    return options;
}

TEST(RedisBlockingClient, ExecutesOverUnixAndTcpUnderItsName) {
    private_redis server;
    blocking_client redis(options_for(server));
    EXPECT_TRUE(server.client_names().empty());
    const auto owner = redis.owner("test");
    EXPECT_EQ(redis.execute(command("SET", "key", "v\r\n"), {owner, in(5s)})->text, "OK");
    EXPECT_EQ(server.count_clients("chat:host-1:42:sync"), 1U);

    auto options = options_for(server);
    options.server.unix_path.clear();
    options.server.host = "127.0.0.1";
    options.server.port = server.port();
    blocking_client by_tcp(options);
    EXPECT_EQ(by_tcp.execute(command("GET", "key"), {by_tcp.owner("test"), in(5s)})->text, "v\r\n");
}

TEST(RedisBlockingClient, ServesEightThreadsWithThreeConnections) {
    private_redis server;
    blocking_client redis(options_for(server, 3));
    const auto owner = redis.owner("test");
    std::atomic<int> wrong{0};
    std::atomic<int> running{8};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 300; ++i) {
                const auto token = std::to_string(t) + ":" + std::to_string(i);
                const auto reply = redis.execute(command("ECHO", token), {owner, in(20s)});
                if (!reply || reply->text != token) ++wrong;
            }
            --running;
        });
    }
    std::size_t most = 0;
    while (running > 0)
        most = std::max(most, server.client_names().size());
    for (auto& each : threads)
        each.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_LE(most, 3U);
    EXPECT_EQ(redis.stats().granted, 2400U);
    ASSERT_TRUE(redis.close(in(5s)).has_value());
    EXPECT_TRUE(server.client_names().empty());
}

TEST(RedisBlockingClient, BlocksWithinItsDeadlineAndClosesWhatWasLeftPending) {
    private_redis server;
    blocking_client redis(options_for(server));
    const auto owner = redis.owner("test");
    EXPECT_TRUE(redis.execute(command("BLPOP", "q", "0.05"), {owner, in(5s)})->is_null());
    const auto late = redis.execute(command("BLPOP", "q", 0), {owner, in(50ms)});
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, redis_errc::unknown);
    EXPECT_EQ(redis.execute(command("ECHO", "mine"), {owner, in(5s)})->text, "mine");
}

TEST(RedisBlockingClient, RunsATransactionAsOnePipeline) {
    private_redis server;
    blocking_client redis(options_for(server));
    const auto owner = redis.owner("test");
    const auto replies = redis.pipeline(
        {command("MULTI"), command("INCR", "n"), command("INCR", "n"), command("EXEC")},
        {owner, in(5s)});
    ASSERT_TRUE(replies.has_value()) << replies.error().what();
    EXPECT_EQ(replies->back().items.at(1).integer, 2);
    EXPECT_EQ(redis.stats().idle, 1U);
    const auto alone = redis.execute(command("MULTI"), {owner, in(5s)});
    EXPECT_EQ(alone.error().code, redis_errc::not_allowed);
    EXPECT_EQ(redis.execute(command("SUBSCRIBE", "x"), {owner, in(5s)}).error().code,
              redis_errc::not_allowed);
}

TEST(RedisBlockingClient, SurvivesPipelinesLargerThanEverySocketBuffer) {
    private_redis server;
    blocking_client redis(options_for(server));
    const auto owner = redis.owner("test");
    const std::string large(1024 * 1024, 'x');
    const auto replies =
        redis.pipeline(std::vector<command>(32, command("ECHO", large)), {owner, in(30s)});
    ASSERT_TRUE(replies.has_value()) << replies.error().what();
    EXPECT_TRUE(
        std::ranges::all_of(*replies, [&](const value& each) { return each.text == large; }));
}

TEST(RedisBlockingClient, FailsTypedWithoutAServerAndRecovers) {
    private_redis server;
    blocking_client redis(options_for(server));
    const auto owner = redis.owner("test");
    ASSERT_TRUE(redis.execute(command("PING"), {owner, in(5s)}).has_value());
    server.kill();
    const auto reply = redis.execute(command("PING"), {owner, in(300ms)});
    ASSERT_FALSE(reply.has_value());
    EXPECT_TRUE(reply.error().code == redis_errc::not_sent ||
                reply.error().code == redis_errc::unknown);
    server.start();
    EXPECT_TRUE(redis.execute(command("PING"), {owner, in(20s)}).has_value());
    EXPECT_EQ(server.count_clients("chat:host-1:42:sync"), 1U);
}

TEST(RedisBlockingClient, TellsWrongCredentialsAtOnce) {
    private_redis server({"--requirepass", "right-one"});
    auto options = options_for(server);
    options.server.password = "wrong-one";
    blocking_client redis(options);
    const auto reply = redis.execute(command("PING"), {redis.owner("test"), in(20s)});
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::auth_failed);
    EXPECT_THAT(reply.error().what(), testing::Not(testing::HasSubstr("wrong-one")));
}

}  // namespace
}  // namespace headroom::redis
