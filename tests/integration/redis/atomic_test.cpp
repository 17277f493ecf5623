// SPDX-License-Identifier: Apache-2.0
// Transactions on the shared lane, beside everybody else's commands, and servers that will not have
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <random>

#include "redis/transaction.hpp"
#include "transaction_fixture.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::private_redis;
using test::run_on;
using test::wait_until;
using testing::HasSubstr;
using fixture = test::transaction_fixture;
using values = result<std::vector<value>>;

std::vector<command> increments(std::initializer_list<std::string_view> keys) {
    std::vector<command> all;
    for (const auto key : keys)
        all.emplace_back("INCR", key);
    return all;
}

values run_atomic(fixture& f, std::vector<command> what) {
    return run_on(f.loop, f.client->atomic(std::move(what), f.within()));
}

// Raises two keys in one transaction: nobody else's command may stand between.
asio::awaitable<void> raise_both(client& redis, call how, std::size_t& left) {
    for (int i = 0; i < 50; ++i) {
        auto both = co_await redis.atomic(increments({"a", "b"}), how);
        EXPECT_TRUE(both.has_value()) << both.error().what();
        if (both) EXPECT_EQ((*both)[0], (*both)[1]);
        const auto token = std::to_string(i) + " of " + std::to_string(left);
        auto echoed = co_await redis.execute(command("ECHO", token), how);
        EXPECT_TRUE(echoed.has_value());
        if (echoed) EXPECT_EQ(echoed->text, token);
    }
    --left;
}

TEST(RedisAtomic, RunsWithNothingBetweenItsCommandsBesideSixtyFourCallers) {
    fixture f;
    std::size_t left = 64;
    for (int i = 0; i < 64; ++i)
        asio::co_spawn(f.loop, raise_both(*f.client, f.within(), left),
                       [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    EXPECT_TRUE(run_on(f.loop, wait_until([&] { return left == 0; }, in(50s))));
    EXPECT_EQ(f.execute(command("GET", "a"))->text, "3200");
    EXPECT_EQ(f.execute(command("GET", "b"))->text, "3200");
    f.expect_no_connection_is_within_a_transaction();
}

TEST(RedisAtomic, TakesNoLeaseAndNoneOfNothing) {
    fixture f;
    EXPECT_TRUE(run_atomic(f, {})->empty());
    EXPECT_EQ(f.client->stats().opened, 0U);
    EXPECT_EQ(run_atomic(f, increments({"a", "a"}))->back().integer, 2);
    EXPECT_EQ(f.client->lane().connections, 1U);
    EXPECT_EQ(f.client->stats().opened, 1U);
}

TEST(RedisAtomic, TakesALeaseWhenItIsSoLongThatOthersWouldWaitBehindIt) {
    fixture f;
    std::vector<command> many;
    for (int i = 0; i < 1200; ++i)
        many.emplace_back("INCR", "long");
    const auto before = f.client->lane().commands;
    auto all = run_atomic(f, std::move(many));
    ASSERT_TRUE(all.has_value()) << all.error().what();
    ASSERT_EQ(all->size(), 1200U);
    EXPECT_EQ(all->back().integer, 1200);
    EXPECT_EQ(f.client->lane().commands, before);
    // In order, and given back.
    EXPECT_EQ(f.client->stats().idle, 1U);
}

TEST(RedisAtomic, SaysWhichCommandWasRefusedAndThatNothingRan) {
    fixture f;
    auto what = increments({"a"});
    what.emplace_back("NONSENSE");
    const auto done = run_atomic(f, std::move(what));
    EXPECT_EQ(done.error().code, redis_errc::server_error);
    EXPECT_THAT(done.error().detail, HasSubstr("command 2 of 2, NONSENSE: none"));
    EXPECT_EQ(f.execute(command("EXISTS", "a"))->integer, 0);
    EXPECT_EQ(f.client->lane().reconnects, 0U);
}

TEST(RedisAtomic, RefusesWhatWouldHarmTheSharedConnection) {
    fixture f;
    for (const auto* name : {"SELECT", "SUBSCRIBE", "MULTI", "BLPOP"}) {
        auto what = increments({"a"});
        what.emplace_back(name, "1");
        EXPECT_EQ(run_atomic(f, std::move(what)).error().code, redis_errc::not_allowed) << name;
    }
    EXPECT_EQ(f.client->stats().opened, 0U);
}

TEST(RedisAtomic, IsRefusedAsAWholeByAReplica) {
    fixture f;
    (void)f.server.ask("REPLICAOF localhost 1");
    auto how = f.within();
    how.may_retry = false;
    const auto done = run_on(f.loop, f.client->atomic(increments({"a", "b"}), how));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, redis_errc::refused) << done.error().what();
    EXPECT_THAT(done.error().detail, HasSubstr("READONLY"));
}

// Makes the server a primary again once it has refused something.
asio::awaitable<void> promote_after_a_refusal(fixture& f) {
    const auto is_refused = [&f] {
        return f.server.ask("INFO errorstats").contains("errorstat_READONLY");
    };
    const auto seen = co_await wait_until(is_refused, in(10s));
    EXPECT_TRUE(seen);
    (void)f.server.ask("REPLICAOF NO ONE");
}

TEST(RedisAtomic, RunsOnceTheServerIsAPrimaryAgain) {
    fixture f;
    (void)f.server.ask("REPLICAOF localhost 1");
    asio::co_spawn(f.loop, promote_after_a_refusal(f),
                   [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    const auto done = run_atomic(f, increments({"a", "a"}));
    ASSERT_TRUE(done.has_value()) << done.error().what();
    EXPECT_EQ(done->back().integer, 2);
}

TEST(RedisAtomic, IsNotRepeatedAgainstAServerOutOfMemory) {
    fixture f({"--maxmemory", "1"});
    const auto before = clock::now();
    const auto done = run_atomic(f, increments({"a"}));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, redis_errc::refused);
    EXPECT_THAT(done.error().detail, HasSubstr("OOM"));
    EXPECT_LT(clock::now() - before, 10s);
}

TEST(RedisAtomic, IsUnknownWhenTheConnectionIsKilledDuringExec) {
    fixture f;
    ASSERT_TRUE(f.execute(command("PING")));
    (void)f.server.ask("CLIENT PAUSE 20000 WRITE");
    const auto kill = [&]() -> asio::awaitable<void> {
        const auto is_held = [&] {
            const auto all = f.connections();
            return !all.empty() && f.field(all.front(), "flags").contains('b');
        };
        const auto seen = co_await wait_until(is_held, in(10s));
        EXPECT_TRUE(seen);
        (void)f.server.ask("CLIENT KILL TYPE normal");
        (void)f.server.ask("CLIENT UNPAUSE");
    };
    asio::co_spawn(f.loop, kill(), [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    const auto done = run_atomic(f, increments({"a"}));
    EXPECT_EQ(done.error().code, redis_errc::unknown);
    EXPECT_EQ(f.execute(command("EXISTS", "a"))->integer, 0);
    EXPECT_EQ(f.connections().size(), 1U);
}

// Cancelled at any moment: MULTI is never left without its EXEC, and nobody gets its replies.
TEST(RedisAtomic, LeavesTheLaneInOrderWhenItsCallersAreCancelled) {
    fixture f;
    std::mt19937 random(11);
    std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
    std::size_t ended = 0;
    std::size_t committed = 0;
    const auto one = [&](std::size_t i) -> asio::awaitable<void> {
        co_await asio::this_coro::throw_if_cancelled(false);
        const auto mine = "token-" + std::to_string(i);
        std::vector<command> what = increments({"a", "b"});
        what.emplace_back("ECHO", mine);
        auto done = co_await f.client->atomic(std::move(what), f.within());
        if (done) {
            ++committed;
            EXPECT_EQ((*done)[0], (*done)[1]);
            EXPECT_EQ((*done)[2].text, mine);
        } else {
            EXPECT_THAT(done.error().detail, HasSubstr("cancelled"));
        }
    };
    constexpr std::size_t total = 3'000;
    for (std::size_t i = 0; i < total; ++i) {
        auto& signal = *signals.emplace_back(std::make_unique<asio::cancellation_signal>());
        asio::co_spawn(
            f.loop, one(i),
            asio::bind_cancellation_slot(signal.slot(), [&ended](const std::exception_ptr& thrown) {
                EXPECT_FALSE(thrown);
                ++ended;
            }));
        if (i % 3 == 0) f.loop.poll_one();
        signals[random() % signals.size()]->emit(asio::cancellation_type::terminal);
    }
    EXPECT_TRUE(run_on(f.loop, wait_until([&] { return ended == total; }, in(20s))));
    EXPECT_GT(committed, 0U);
    EXPECT_LT(committed, total);
    EXPECT_EQ(f.execute(command("ECHO", "last"))->text, "last");
    EXPECT_EQ(f.execute(command("GET", "a"))->text, f.execute(command("GET", "b"))->text);
    EXPECT_EQ(f.client->lane().reconnects, 0U);
    f.expect_no_connection_is_within_a_transaction();
}

TEST(RedisAtomic, TellsAUserWhoMayNotHaveTransactionsWhatRanWithoutOne) {
    fixture f;
    (void)f.server.ask("ACL SETUSER ann on >secret ~* &* +@all -multi");
    auto options = test::transaction_options(f.server);
    options.server.username = "ann";
    options.server.password = "secret";
    f.open(options);
    const auto done = run_atomic(f, increments({"a", "b"}));
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, redis_errc::server_error);
    EXPECT_THAT(done.error().detail, HasSubstr("2 of 2 commands ran by themselves"));
    EXPECT_EQ(f.execute(command("GET", "b"))->text, "1");
}

TEST(RedisAtomic, GivesUpConnectionsWhoseExecTheServerDoesNotKnow) {
    fixture f({"--rename-command", "EXEC", ""});
    const auto done = run_atomic(f, increments({"a"}));
    ASSERT_FALSE(done.has_value());
    EXPECT_THAT(done.error().detail, HasSubstr("unknown command"));
    EXPECT_TRUE(
        run_on(f.loop, wait_until([&] { return f.client->lane().reconnects == 1; }, in(5s))));
    EXPECT_EQ(f.execute(command("ECHO", "mine"))->text, "mine");
    EXPECT_EQ(f.execute(command("EXISTS", "a"))->integer, 0);
    f.expect_no_connection_is_within_a_transaction();
}

TEST(RedisAtomic, HasRunWhenOnlyItsReplyIsNoText) {
    fixture f;
    auto options = test::transaction_options(f.server, pool_kind::async_decode);
    options.form = reply_form::text;
    f.open(options);
    auto what = increments({"a"});
    what.emplace_back("ECHO", "\xff");
    const auto done = run_atomic(f, std::move(what));
    EXPECT_EQ(done.error().code, redis_errc::not_text);
    EXPECT_THAT(done.error().detail, HasSubstr("has run"));
    EXPECT_EQ(f.execute(command("GET", "a"))->text, "1");
}

TEST(RedisAtomic, ServesThreadsToo) {
    private_redis server;
    blocking_client redis(test::transaction_options(server, pool_kind::sync));
    const call how{redis.owner("test"), in(5s)};
    EXPECT_EQ(atomic(redis, increments({"a", "a"}), how)->back().integer, 2);
    auto wrong = increments({"a"});
    wrong.emplace_back("HSET", "h");
    EXPECT_THAT(atomic(redis, std::move(wrong), how).error().detail, HasSubstr("HSET"));
    EXPECT_EQ(atomic(redis, {command("BLPOP", "q", 0)}, how).error().code, redis_errc::not_allowed);
    EXPECT_EQ(redis.execute(command("GET", "a"), how)->text, "2");
    EXPECT_EQ(redis.stats().opened, 1U);
    ASSERT_TRUE(redis.close(in(5s)).has_value());
}

}  // namespace
}  // namespace headroom::redis
