// SPDX-License-Identifier: Apache-2.0
// The asynchronous client against a real server: lanes, caps, cancellation, loss.
#include "redis/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>
#include <random>

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
using testing::Each;
using testing::StartsWith;

client_options options_for(const private_redis& server, std::string_view kind = pool_kind::async) {
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = kind;
    options.bounds.cap = 6;
    return options;
}

// A client on a loop of its own; the test's coroutine runs on the same loop.
struct fixture {
    explicit fixture(client_options options)
        : redis(std::make_unique<client>(loop.get_executor(), std::move(options))),
          owner(redis->owner("test")) {}
    ~fixture() {
        if (redis) EXPECT_TRUE(run_on(loop, redis->close(in(5s))).has_value());
    }

    result<value> execute(command what, clock::duration within = 5s) {
        return run_on(loop, redis->execute(std::move(what), {owner, in(within)}));
    }

    asio::io_context loop{1};
    std::unique_ptr<client> redis;
    pool::owner_id owner;
};

// Spawns `count` coroutines and returns when all have ended.
template <class Make>
asio::awaitable<void> all_of(std::size_t count, Make make) {
    auto executor = co_await asio::this_coro::executor;
    auto left = std::make_shared<std::size_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
        asio::co_spawn(executor, make(i), [left](const std::exception_ptr& thrown) {
            EXPECT_FALSE(thrown);
            --*left;
        });
    }
    const auto done = co_await wait_until([left] { return *left == 0; }, in(50s));
    EXPECT_TRUE(done);
}

asio::awaitable<void> echo_once(client& redis, pool::owner_id owner, std::string token,
                                clock::duration within) {
    auto reply = co_await redis.execute(command("ECHO", token), {owner, in(within)});
    EXPECT_TRUE(reply.has_value()) << reply.error().what();
    if (reply) EXPECT_EQ(reply->text, token);
}

asio::awaitable<void> count_outcomes(client& redis, pool::owner_id owner, deadline by,
                                     std::map<std::error_code, int>& outcomes, int& answered) {
    while (clock::now() < by) {
        auto reply = co_await redis.execute(command("INCR", "n"), {owner, in(100ms)});
        if (reply) {
            ++answered;
        } else {
            ++outcomes[reply.error().code];
        }
        // A refusal without a wait would leave the loop no time for anything else.
        if (!reply) co_await net::sleep_until(in(5ms));
    }
}

TEST(RedisClient, OpensNothingBeforeTheFirstCall) {
    private_redis server;
    const fixture f(options_for(server));
    EXPECT_EQ(f.redis->stats().size(), 0U);
    EXPECT_THAT(server.client_names(), testing::IsEmpty());
}

TEST(RedisClient, ExecutesOverUnixAndTcp) {
    private_redis server;
    {
        fixture f(options_for(server));
        EXPECT_EQ(f.execute(command("SET", "key", "a\r\nb"))->text, "OK");
    }
    auto options = options_for(server);
    options.server.unix_path.clear();
    options.server.host = "localhost";
    options.server.port = server.port();
    fixture f(options);
    EXPECT_EQ(f.execute(command("GET", "key"))->text, "a\r\nb");
    EXPECT_TRUE(f.execute(command("GET", "none"))->is_null());
}

TEST(RedisClient, CarriesItsNameOnTheServerAlsoAfterAReconnect) {
    private_redis server;
    fixture f(options_for(server, pool_kind::async_decode));
    ASSERT_TRUE(f.execute(command("PING")).has_value());
    EXPECT_EQ(server.count_clients("chat:host-1:42:async_decode"), 1U);

    (void)server.ask("CLIENT KILL TYPE normal");
    ASSERT_TRUE(
        run_on(f.loop, wait_until([&] { return f.redis->lane().reconnects == 1; }, in(5s))));
    ASSERT_TRUE(f.execute(command("PING")).has_value());
    EXPECT_EQ(server.count_clients("chat:host-1:42:async_decode"), 1U);
}

TEST(RedisClient, PipelinesTenThousandCallersOnAFewConnections) {
    private_redis server;
    fixture f(options_for(server));
    run_on(f.loop, all_of(10'000, [&](std::size_t i) {
               return echo_once(*f.redis, f.owner, "token-" + std::to_string(i), 30s);
           }));
    EXPECT_EQ(f.redis->lane().commands, 10'000U);
    EXPECT_LE(server.count_clients("chat:host-1:42:async"), 6U);
}

TEST(RedisClient, GivesTheRepliesOfAPipelineInOrderWithErrorsAmongThem) {
    private_redis server;
    fixture f(options_for(server));
    std::vector<command> commands;
    for (int i = 0; i < 10'000; ++i)
        commands.emplace_back("INCR", "counter");
    commands.emplace_back("LPUSH", "counter", "x");
    const auto replies = run_on(f.loop, f.redis->pipeline(commands, {f.owner, in(20s)}));
    ASSERT_TRUE(replies.has_value()) << replies.error().what();
    for (int i = 0; i < 10'000; ++i)
        ASSERT_EQ((*replies)[static_cast<std::size_t>(i)].integer, i + 1);
    EXPECT_THAT(replies->back().text, StartsWith("WRONGTYPE"));
}

TEST(RedisClient, GivesAServerErrorAsTheErrorOfItsCall) {
    private_redis server;
    fixture f(options_for(server));
    ASSERT_TRUE(f.execute(command("SET", "key", "text")).has_value());
    const auto reply = f.execute(command("INCR", "key"));
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::server_error);
    EXPECT_THAT(reply.error().detail, StartsWith("ERR value is not an integer"));
}

TEST(RedisClient, ChecksTextOnlyWhereTextWasAskedFor) {
    private_redis server;
    auto options = options_for(server, pool_kind::async_decode);
    options.form = reply_form::text;
    fixture text(options);
    fixture bytes(options_for(server));
    ASSERT_TRUE(bytes.execute(command("SET", "key", "\xff\xfe")).has_value());
    EXPECT_EQ(bytes.execute(command("GET", "key"))->text, "\xff\xfe");
    EXPECT_EQ(text.execute(command("GET", "key")).error().code, redis_errc::not_text);
    EXPECT_EQ(text.execute(command("ECHO", "caf\xc3\xa9"))->text, "caf\xc3\xa9");
}

TEST(RedisClient, RefusesOnTheLaneWhatNeedsAConnectionOfItsOwn) {
    private_redis server;
    fixture f(options_for(server));
    for (const auto* name : {"MULTI", "subscribe", "MONITOR", "SELECT", "QUIT", "SHUTDOWN"}) {
        const auto reply = f.execute(command(name, "x", 0));
        ASSERT_FALSE(reply.has_value());
        EXPECT_EQ(reply.error().code, redis_errc::not_allowed);
        EXPECT_THAT(reply.error().detail, StartsWith(name));
    }
    EXPECT_EQ(f.redis->stats().size(), 0U);
}

asio::awaitable<void> pop_and_push(client& redis, pool::owner_id owner) {
    auto leased = co_await redis.lease({owner, in(5s)});
    EXPECT_TRUE(leased.has_value());
    auto executor = co_await asio::this_coro::executor;
    auto popped = std::make_shared<std::string>();
    asio::co_spawn(
        executor,
        [](exclusive_connection mine, std::shared_ptr<std::string> into) -> asio::awaitable<void> {
            auto reply = co_await mine.execute(command("BLPOP", "queue", 5), in(10s));
            EXPECT_TRUE(reply.has_value());
            if (reply) *into = reply->items.at(1).text;
        }(std::move(*leased), popped),
        [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    // The lane goes on while the lease blocks.
    auto pong = co_await redis.execute(command("PING"), {owner, in(5s)});
    EXPECT_TRUE(pong.has_value());
    auto pushed = co_await redis.execute(command("RPUSH", "queue", "job"), {owner, in(5s)});
    EXPECT_TRUE(pushed.has_value());
    const auto arrived = co_await wait_until([popped] { return *popped == "job"; }, in(5s));
    EXPECT_TRUE(arrived);
}

TEST(RedisClient, BlocksOnALeaseWithoutHoldingUpTheLane) {
    private_redis server;
    fixture f(options_for(server));
    run_on(f.loop, pop_and_push(*f.redis, f.owner));
    // Complete and clean: the lease's connection went back to the pool.
    EXPECT_EQ(f.redis->stats().idle, 1U);
}

asio::awaitable<void> leave_session_state(client& redis, pool::owner_id owner, command what) {
    auto leased = co_await redis.lease({owner, in(5s)});
    EXPECT_TRUE(leased.has_value());
    auto reply = co_await leased->execute(std::move(what), in(5s));
    EXPECT_TRUE(reply.has_value());
}

TEST(RedisClient, ClosesALeaseThatLeftSessionStateBehind) {
    private_redis server;
    fixture f(options_for(server));
    for (const auto& what : {command("MULTI"), command("WATCH", "key"), command("SELECT", 3)}) {
        run_on(f.loop, leave_session_state(*f.redis, f.owner, what));
        EXPECT_EQ(f.redis->stats().idle, 0U) << what.name();
    }
    run_on(f.loop, leave_session_state(*f.redis, f.owner, command("PING")));
    EXPECT_EQ(f.redis->stats().idle, 1U);
}

asio::awaitable<void> block_until(client& redis, pool::owner_id owner, deadline by) {
    auto leased = co_await redis.lease({owner, in(5s)});
    EXPECT_TRUE(leased.has_value());
    auto reply = co_await leased->execute(command("BLPOP", "never", 0), by);
    EXPECT_FALSE(reply.has_value());
    if (!reply) EXPECT_EQ(reply.error().code, redis_errc::unknown);
}

TEST(RedisClient, ClosesALeaseWhoseReplyNeverCame) {
    private_redis server;
    fixture f(options_for(server));
    run_on(f.loop, block_until(*f.redis, f.owner, in(50ms)));
    EXPECT_TRUE(run_on(f.loop, wait_until([&] { return f.redis->stats().size() == 0; }, in(5s))));
    EXPECT_THAT(server.client_names(), testing::IsEmpty());
}

TEST(RedisClient, AnswersNotSentWhenTheDeadlinePassesWithoutAConnection) {
    auto server = std::make_unique<private_redis>();
    const auto options = options_for(*server);
    server.reset();
    fixture f(options);
    const auto reply = f.execute(command("PING"), 200ms);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::not_sent);
    EXPECT_THAT(reply.error().detail, testing::HasSubstr("redis.sock"));
}

TEST(RedisClient, AnswersUnknownWhenTheDeadlinePassesAfterTheWrite) {
    private_redis server;
    fixture f(options_for(server));
    ASSERT_TRUE(f.execute(command("PING")).has_value());
    server.suspend();
    const auto reply = f.execute(command("INCR", "n"), 100ms);
    server.resume();
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::unknown);
    // The late reply is swallowed, and the next caller gets its own.
    EXPECT_EQ(f.execute(command("ECHO", "mine"))->text, "mine");
    EXPECT_EQ(f.redis->traffic().abandoned, 1U);
}

TEST(RedisClient, ShowsAReplyWhereItLiesOnRequest) {
    private_redis server;
    fixture f(options_for(server));
    ASSERT_TRUE(f.execute(command("RPUSH", "list", "a", "b")).has_value());
    std::vector<std::string> seen;
    const auto note = [&seen](const reply_view& reply) {
        for (const auto& each : reply.items)
            seen.emplace_back(each.text);
    };
    const auto view = [&f](command what, reply_visitor visitor) {
        return run_on(f.loop, f.redis->view(std::move(what), {f.owner, in(5s)}, visitor));
    };
    EXPECT_TRUE(view(command("LRANGE", "list", 0, -1), note).has_value());
    EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));

    // One that does not fit any buffer comes whole all the same.
    const std::string large(3'000'000, 'x');
    ASSERT_TRUE(f.execute(command("SET", "large", large)).has_value());
    std::size_t size = 0;
    EXPECT_TRUE(view(command("GET", "large"), [&size](const reply_view& reply) {
                    size += reply.text.size();
                }).has_value());
    EXPECT_EQ(size, large.size());

    const auto never = [](const reply_view&) { ADD_FAILURE() << "an error is not shown"; };
    EXPECT_EQ(view(command("INCR", "list"), never).error().code, redis_errc::server_error);
    EXPECT_EQ(view(command("BLPOP", "list", 0), never).error().code, redis_errc::not_allowed);
}

TEST(RedisClient, SaysInATimeoutWhatItsConnectionAndThePoolLookedLike) {
    private_redis server;
    fixture f(options_for(server));
    ASSERT_TRUE(f.execute(command("PING")).has_value());
    server.suspend();
    const auto reply = f.execute(command("INCR", "n"), 100ms);
    server.resume();
    ASSERT_FALSE(reply.has_value());
    EXPECT_THAT(reply.error().detail,
                testing::ContainsRegex("its deadline has passed, 1[0-9][0-9] ms after it was "
                                       "queued here; this connection owes 1 replies, was last "
                                       "heard 1[0-9][0-9] ms ago, and has 0 bytes to write"));
    EXPECT_THAT(reply.error().detail,
                testing::HasSubstr("async: 1 of 6 connections (0 opening, 0 idle, 1 in use, 1 of "
                                   "them for the 1 commands outstanding on the command lane)"));
}

TEST(RedisClient, CountsWhatWentOverItsConnections) {
    private_redis server;
    auto options = options_for(server);
    options.lane_connections_max = 1;
    fixture f(options);
    ASSERT_TRUE(f.execute(command("SET", "key", "text")).has_value());
    EXPECT_EQ(f.execute(command("INCR", "key")).error().code, redis_errc::server_error);
    const auto before = f.redis->traffic();
    ASSERT_TRUE(run_on(f.loop, f.redis->pipeline(std::vector<command>(100, command("PING")),
                                                 {f.owner, in(5s)}))
                    .has_value());
    const auto& now = f.redis->traffic();
    EXPECT_EQ(now.bytes_written - before.bytes_written, 100 * command("PING").encoded_size());
    EXPECT_EQ(now.bytes_read - before.bytes_read, 100 * std::string_view("+PONG\r\n").size());
    EXPECT_EQ(now.batches - before.batches, 1U);
    EXPECT_EQ(now.commands - before.commands, 100U);
    EXPECT_EQ(now.batch_sizes[7], 1U);  // 64 <= 100 < 128
    EXPECT_EQ(now.outcomes[static_cast<std::size_t>(outcome::server_error)], 1U);
    EXPECT_EQ(now.outcomes[static_cast<std::size_t>(outcome::ok)], now.commands - 1);
}

TEST(RedisClient, GivesAHalfOpenConnectionUpWhenItHasBeenSilentForTooLong) {
    private_redis server;
    auto options = options_for(server);
    options.silence_max = 200ms;
    fixture f(options);
    ASSERT_TRUE(f.execute(command("PING")).has_value());
    server.suspend();
    EXPECT_EQ(f.execute(command("PING"), 100ms).error().code, redis_errc::unknown);
    EXPECT_EQ(f.redis->lane().reconnects, 0U);  // slow is not dead
    EXPECT_FALSE(f.execute(command("PING"), 150ms).has_value());
    EXPECT_EQ(f.redis->lane().reconnects, 1U);
    server.resume();
    EXPECT_EQ(f.execute(command("ECHO", "mine"))->text, "mine");
}

// The server's own counter is the judge: what was answered ran, what was not sent did not.
TEST(RedisClient, TellsTrulyWhatRanWhenConnectionsAreCut) {
    private_redis server;
    auto options = options_for(server);
    options.silence_max = 30ms;
    fixture f(options);
    std::map<std::error_code, int> outcomes;
    int answered = 0;
    const auto by = in(1500ms);
    run_on(f.loop, all_of(101, [&](std::size_t i) -> asio::awaitable<void> {
               if (i > 0) return count_outcomes(*f.redis, f.owner, by, outcomes, answered);
               return [](private_redis& cutting, deadline until) -> asio::awaitable<void> {
                   while (clock::now() < until) {
                       co_await net::sleep_until(in(20ms));
                       (void)cutting.ask("CLIENT KILL TYPE normal");
                       co_await net::sleep_until(in(20ms));
                       // We give the connections up; it then runs what we had written to them.
                       cutting.suspend();
                       co_await net::sleep_until(in(130ms));
                       cutting.resume();
                   }
               }(server, by);
           }));
    const auto ran = f.execute(command("GET", "n"));
    ASSERT_TRUE(ran.has_value());
    EXPECT_GT(f.redis->lane().reconnects, 3U);
    EXPECT_GT(outcomes[redis_errc::unknown], 0);
    EXPECT_GE(std::stoi(ran->text), answered);
    EXPECT_LE(std::stoi(ran->text), answered + outcomes[redis_errc::unknown]);
}

TEST(RedisClient, SaysWhichBoundAQueueIsAt) {
    private_redis server;
    auto options = options_for(server);
    options.lane_commands_max = 10;
    options.lane_bytes_max = 1000;
    fixture f(options);
    const auto many = run_on(
        f.loop, f.redis->pipeline(std::vector<command>(11, command("PING")), {f.owner, in(1s)}));
    ASSERT_FALSE(many.has_value());
    EXPECT_EQ(many.error().code, redis_errc::queue_full);
    EXPECT_THAT(many.error().detail, testing::HasSubstr("lane_commands_max is 10"));
    const auto big = f.execute(command("SET", "key", std::string(2000, 'x')));
    ASSERT_FALSE(big.has_value());
    EXPECT_EQ(big.error().code, redis_errc::queue_full);
    EXPECT_THAT(big.error().detail, testing::HasSubstr("lane_bytes_max is 1000"));
    EXPECT_EQ(f.redis->lane().queue_full, 2U);
}

TEST(RedisClient, TellsWrongCredentialsAtOnceAndKeepsThemToItself) {
    private_redis server({"--requirepass", "right-one"});
    auto options = options_for(server);
    options.server.password = "wrong-one";
    fixture f(options);
    const auto started = clock::now();
    const auto reply = f.execute(command("PING"), 20s);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::auth_failed);
    EXPECT_THAT(reply.error().what(), testing::Not(testing::HasSubstr("wrong-one")));
    EXPECT_LT(clock::now() - started, 10s);
}

TEST(RedisClient, EntersWithPasswordAndDatabase) {
    private_redis server({"--requirepass", "s3cret"});
    auto options = options_for(server);
    options.server.password = "s3cret";
    options.server.database = 5;
    fixture f(options);
    ASSERT_TRUE(f.execute(command("SET", "key", "here")).has_value());
    EXPECT_THAT(server.ask("CLIENT LIST"), testing::HasSubstr(" db=5 "));
}

asio::awaitable<void> use_lane_and_lease(client& redis, pool::owner_id owner, std::size_t i,
                                         deadline by) {
    while (clock::now() < by) {
        const auto token =
            std::to_string(i) + "-" + std::to_string(clock::now().time_since_epoch().count());
        auto echoed = co_await redis.execute(command("ECHO", token), {owner, in(20s)});
        EXPECT_TRUE(echoed.has_value()) << echoed.error().what();
        if (echoed) EXPECT_EQ(echoed->text, token);
        if (i % 10 != 0) continue;
        auto leased = co_await redis.lease({owner, in(20s)});
        EXPECT_TRUE(leased.has_value()) << leased.error().what();
        if (!leased) continue;
        auto popped = co_await leased->execute(command("BLPOP", "empty", "0.01"), in(20s));
        EXPECT_TRUE(popped.has_value());
    }
}

class CappedRedisClient : public testing::TestWithParam<std::uint32_t> {};

TEST_P(CappedRedisClient, NeverHasMoreConnectionsOnTheServerThanItsCap) {
    const auto cap = GetParam();
    private_redis server;
    auto options = options_for(server);
    options.bounds.cap = cap;
    fixture f(options);
    std::size_t most = 0;
    const auto by = in(700ms);
    run_on(f.loop, all_of(101, [&](std::size_t i) -> asio::awaitable<void> {
               if (i > 0) return use_lane_and_lease(*f.redis, f.owner, i, by);
               return [](private_redis& from, std::size_t& into,
                         deadline until) -> asio::awaitable<void> {
                   while (clock::now() < until) {
                       into = std::max(into, from.client_names().size());
                       co_await net::sleep_until(in(2ms));
                   }
               }(server, most, by);
           }));
    EXPECT_GE(most, 1U);
    EXPECT_LE(most, cap);
    EXPECT_THAT(server.client_names(), Each("chat:host-1:42:async"));
}
INSTANTIATE_TEST_SUITE_P(Caps, CappedRedisClient, testing::Values(2U, 3U, 6U));

TEST(RedisClient, GivesLaneConnectionsUpAfterALull) {
    private_redis server;
    auto options = options_for(server);
    options.lane_shrink_interval = 20ms;
    fixture f(options);
    run_on(f.loop, all_of(2000, [&](std::size_t i) {
               return echo_once(*f.redis, f.owner, std::to_string(i), 20s);
           }));
    EXPECT_GE(f.redis->stats().opened, 2U);
    EXPECT_TRUE(
        run_on(f.loop, wait_until([&] { return f.redis->lane().connections == 1; }, in(5s))));
    // Given back, not lost: the pool keeps them as long as any idle connection.
    EXPECT_EQ(f.redis->stats().idle, f.redis->stats().opened - 1);
    EXPECT_EQ(f.redis->lane().reconnects, 0U);
    EXPECT_EQ(f.execute(command("ECHO", "mine"))->text, "mine");
}

TEST(RedisClient, GivesSurplusLaneConnectionsUpToAWaitingLease) {
    private_redis server;
    auto options = options_for(server);
    options.bounds.cap = 3;
    fixture f(options);
    run_on(f.loop, all_of(500, [&](std::size_t i) {
               return echo_once(*f.redis, f.owner, std::to_string(i), 20s);
           }));
    ASSERT_TRUE(
        run_on(f.loop, wait_until([&] { return f.redis->lane().connections == 2; }, in(5s))));
    const auto lease_two = [&]() -> asio::awaitable<void> {
        auto one = co_await f.redis->lease({f.owner, in(5s)});
        auto two = co_await f.redis->lease({f.owner, in(5s)});
        EXPECT_TRUE(one.has_value() && two.has_value());
        auto pong = co_await f.redis->execute(command("PING"), {f.owner, in(5s)});
        EXPECT_TRUE(pong.has_value());
    };
    run_on(f.loop, lease_two());
    EXPECT_EQ(f.redis->lane().connections, 1U);
}

// Each request is cancelled at a random moment; whoever gets a reply must get its own.
TEST(RedisClient, GivesNobodyTheReplyOfACancelledCall) {
    private_redis server;
    fixture f(options_for(server));
    struct tally {
        int answered = 0;
        int cancelled = 0;
    } counts;
    std::mt19937 random(7);
    std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
    std::size_t ended = 0;
    constexpr std::size_t total = 5'000;
    for (std::size_t i = 0; i < total; ++i) {
        auto& signal = *signals.emplace_back(std::make_unique<asio::cancellation_signal>());
        asio::co_spawn(
            f.loop,
            [](client& redis, pool::owner_id owner, std::size_t token,
               tally& into) -> asio::awaitable<void> {
                co_await asio::this_coro::throw_if_cancelled(false);
                const auto mine = "token-" + std::to_string(token);
                auto reply = co_await redis.execute(command("ECHO", mine), {owner, in(20s)});
                if (reply) {
                    ++into.answered;
                    EXPECT_EQ(reply->text, mine);
                } else {
                    ++into.cancelled;
                    EXPECT_THAT(reply.error().detail, testing::HasSubstr("cancelled"));
                }
            }(*f.redis, f.owner, i, counts),
            asio::bind_cancellation_slot(signal.slot(), [&ended](const std::exception_ptr& thrown) {
                EXPECT_FALSE(thrown);
                ++ended;
            }));
        if (i % 3 == 0) f.loop.poll_one();
        signals[random() % signals.size()]->emit(asio::cancellation_type::terminal);
    }
    EXPECT_TRUE(run_on(f.loop, wait_until([&] { return ended == total; }, in(20s))));
    EXPECT_GT(counts.answered, 0);
    EXPECT_GT(counts.cancelled, 0);
    EXPECT_EQ(f.execute(command("ECHO", "last"))->text, "last");
    EXPECT_EQ(f.redis->lane().reconnects, 0U);
}

TEST(RedisClient, FailsTypedWhileTheServerIsDeadAndRecoversByItself) {
    private_redis server;
    fixture f(options_for(server));
    std::map<std::error_code, int> outcomes;
    int answered = 0;
    const auto by = in(600ms);
    run_on(f.loop, all_of(51, [&](std::size_t i) -> asio::awaitable<void> {
               if (i > 0) return count_outcomes(*f.redis, f.owner, by, outcomes, answered);
               return [](private_redis& doomed) -> asio::awaitable<void> {
                   co_await net::sleep_until(in(100ms));
                   doomed.kill();
               }(server);
           }));
    EXPECT_GT(answered, 0);
    for (const auto& [code, count] : outcomes) {
        EXPECT_TRUE(code == redis_errc::not_sent || code == redis_errc::unknown) << code.message();
    }
    EXPECT_GT(outcomes[redis_errc::not_sent], 0);

    server.start();
    EXPECT_EQ(f.execute(command("ECHO", "back"), 20s)->text, "back");
    EXPECT_EQ(server.count_clients("chat:host-1:42:async"), 1U);
}

TEST(RedisClient, LeavesNoConnectionOnTheServerOnceItIsClosed) {
    private_redis server;
    fixture f(options_for(server));
    run_on(f.loop, all_of(300, [&](std::size_t i) {
               return echo_once(*f.redis, f.owner, std::to_string(i), 20s);
           }));
    EXPECT_GE(server.client_names().size(), 1U);
    ASSERT_TRUE(run_on(f.loop, f.redis->close(in(5s))).has_value());
    EXPECT_THAT(server.client_names(), testing::IsEmpty());
    const auto late = f.execute(command("PING"));
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, redis_errc::closed);
}

}  // namespace
}  // namespace headroom::redis
