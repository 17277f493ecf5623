// SPDX-License-Identifier: Apache-2.0
// Scripts by their digest, and servers that forget them.
#include "redis/script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>

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

client_options options_for(const private_redis& server, std::string_view kind = pool_kind::async) {
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = kind;
    options.bounds.cap = 3;
    return options;
}

struct fixture {
    ~fixture() { EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value()); }
    [[nodiscard]] call within(clock::duration time = 5s) { return {redis.owner("test"), in(time)}; }
    result<value> run_script(const script& what, std::vector<std::string> keys = {},
                             std::vector<std::string> arguments = {}) {
        return run_on(loop, what.run(redis, std::move(keys), std::move(arguments), within()));
    }

    private_redis server;
    asio::io_context loop{1};
    client redis{loop.get_executor(), options_for(server)};
};

std::string calls_of(private_redis& server, const std::string& verb) {
    const auto all = server.ask("INFO commandstats");
    const auto at = all.find("cmdstat_" + verb + ":calls=");
    if (at == std::string::npos) return "0";
    const auto from = all.find('=', at) + 1;
    return all.substr(from, all.find(',', from) - from);
}

const script add("return redis.call('INCRBY', KEYS[1], ARGV[1])", {.key_count = 1});

TEST(RedisScriptOnAServer, IsSentWholeOnceAndByDigestAfterwards) {
    fixture f;
    for (int i = 1; i <= 3; ++i) {
        const auto reply = f.run_script(add, {"n"}, {"5"});
        ASSERT_TRUE(reply.has_value()) << reply.error().what();
        EXPECT_EQ(reply->integer, 5 * i);
    }
    EXPECT_EQ(calls_of(f.server, "evalsha"), "3");
    EXPECT_EQ(calls_of(f.server, "eval"), "1");
}

TEST(RedisScriptOnAServer, RefusesAnotherNumberOfKeysThanItTakes) {
    fixture f;
    const auto reply = f.run_script(add, {"n", "m"}, {"5"});
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::not_allowed);
    EXPECT_THAT(reply.error().detail, testing::HasSubstr("takes 1 keys and was given 2"));
    EXPECT_EQ(f.redis.stats().opened, 0U);
}

TEST(RedisScriptOnAServer, CannotWriteWhereItIsDeclaredReadOnly) {
    fixture f;
    const script reads("return redis.call('GET', KEYS[1])", {.key_count = 1, .is_read_only = true});
    (void)f.server.ask("SET k v");
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(f.run_script(reads, {"k"})->text, "v");
    EXPECT_EQ(calls_of(f.server, "evalsha_ro"), "2");
    const script writes("return redis.call('SET', KEYS[1], 'x')",
                        {.key_count = 1, .is_read_only = true});
    const auto refused = f.run_script(writes, {"k"});
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, testing::HasSubstr("Write commands are not allowed"));
    EXPECT_EQ(f.run_script(reads, {"k"})->text, "v");
}

TEST(RedisScriptOnAServer, RunsOnceOnlyWhenItAnswersNoscriptItself) {
    fixture f;
    const script odd("redis.call('INCR', 'runs') return redis.error_reply('NOSCRIPT for tonight')");
    const auto first = f.run_script(odd);
    const auto second = f.run_script(odd);
    EXPECT_EQ(first.error().detail, "NOSCRIPT for tonight");
    EXPECT_EQ(second.error().detail, "NOSCRIPT for tonight");
    EXPECT_THAT(f.server.ask("GET runs"), testing::HasSubstr("2"));
}

asio::awaitable<void> call_until(client& redis, pool::owner_id owner, deadline by, std::size_t& ok,
                                 std::size_t& failed, std::size_t& running) {
    while (clock::now() < by) {
        auto reply =
            co_await run(redis, add, std::vector<std::string>{"n"}, std::vector<std::string>{"1"},
                         "the adding script", reply::integer, call{owner, in(20s)});
        ++(reply ? ok : failed);
        if (!reply) ADD_FAILURE() << reply.error().what();
    }
    --running;
}

TEST(RedisScriptOnAServer, FailsNobodyWhileScriptsAreFlushedUnderSixtyFourCallers) {
    fixture f;
    std::size_t ok = 0;
    std::size_t failed = 0;
    std::size_t running = 64;
    const auto by = in(500ms);
    for (int i = 0; i < 64; ++i)
        asio::co_spawn(f.loop, call_until(f.redis, f.redis.owner("test"), by, ok, failed, running),
                       [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    std::size_t flushes = 0;
    const auto flush = [&]() -> asio::awaitable<bool> {
        co_return co_await wait_until(
            [&] {
                (void)f.server.ask("SCRIPT FLUSH SYNC");
                ++flushes;
                return running == 0;
            },
            in(30s));
    };
    EXPECT_TRUE(run_on(f.loop, flush()));
    EXPECT_EQ(failed, 0U);
    EXPECT_GT(flushes, 10U);
    EXPECT_THAT(f.server.ask("GET n"), testing::HasSubstr("\n" + std::to_string(ok) + "\r"));
    EXPECT_NE(calls_of(f.server, "eval"), "0");
    RecordProperty("calls", static_cast<int>(ok));
    RecordProperty("flushes", static_cast<int>(flushes));
    RecordProperty("sent_whole", calls_of(f.server, "eval"));
}

TEST(RedisScriptOnAServer, IsLoadedByTheFirstCommandOfAPipeline) {
    fixture f;
    const std::vector<std::string> keys{"n"};
    const std::vector<std::string> five{"5"};
    const std::vector<command> alone{add.command_by_sha(keys, five)};
    const auto unknown = run_on(f.loop, f.redis.pipeline(alone, f.within()));
    EXPECT_THAT(unknown->front().text, testing::StartsWith("NOSCRIPT"));
    const std::vector<command> loaded{add.load(), add.command_by_sha(keys, five)};
    const auto known = run_on(f.loop, f.redis.pipeline(loaded, f.within()));
    EXPECT_EQ(known->front().text, add.sha());
    EXPECT_EQ(known->back().integer, 5);
}

TEST(RedisScriptOnAServer, ServesThreadsToo) {
    private_redis server;
    blocking_client redis(options_for(server, pool_kind::sync));
    const std::vector<std::string> keys{"n"};
    const std::vector<std::string> five{"5"};
    for (int i = 1; i <= 2; ++i) {
        const auto sum = run(redis, add, keys, five, "the adding script", reply::integer,
                             {redis.owner("test"), in(5s)});
        EXPECT_EQ(sum, 5 * i);
        (void)server.ask("SCRIPT FLUSH");
    }
    const auto text = run(redis, add, keys, five, "the adding script", reply::text,
                          {redis.owner("test"), in(5s)});
    EXPECT_EQ(text.error().detail,
              "the adding script answered an integer where a string was expected");
}

}  // namespace
}  // namespace headroom::redis
