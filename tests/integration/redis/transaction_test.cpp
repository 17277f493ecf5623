// SPDX-License-Identifier: Apache-2.0
// Transactions that watch keys, against a real server: conflicts, refusals, losses, and what is
// left of them on the connection.
#include "redis/transaction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "transaction_fixture.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using test::wait_until;
using testing::HasSubstr;
using fixture = test::transaction_fixture;
using values = result<std::vector<value>>;

// Reads the number, and queues one more.
asio::awaitable<result<void>> add_one(transaction& tx) {
    auto now = co_await tx.execute(commands::get("n"));
    if (!now) co_return std::unexpected(now.error());
    const auto next = now->has_value() ? std::stoll(**now) + 1 : 1;
    co_return tx.queue(commands::set("n", std::to_string(next)));
}

TEST(RedisTransaction, ReadsThenWritesWithTheErrorOfOneCommandAmongTheValues) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {"n", "m"}, f.within());
        EXPECT_TRUE(tx.has_value()) << tx.error().what();
        auto seen = co_await tx->execute(commands::get("n"));
        EXPECT_TRUE(seen.has_value() && !seen->has_value());
        EXPECT_TRUE(tx->queue(commands::increment("n", 7)));
        EXPECT_TRUE(tx->queue(command("LPUSH", "n", "x")));
        EXPECT_TRUE(tx->queue(commands::get("n")));
        EXPECT_EQ(tx->queued(), 3U);
        auto done = co_await tx->commit();
        auto again = co_await tx->commit();
        EXPECT_EQ(again.error().code, redis_errc::not_sent);
        EXPECT_THAT(again.error().detail, HasSubstr("it was committed"));
        co_return done;
    };
    const auto done = run_on(f.loop, work());
    ASSERT_TRUE(done.has_value()) << done.error().what();
    ASSERT_EQ(done->size(), 3U);
    EXPECT_EQ(read_reply("INCRBY", reply::integer, (*done)[0]), 7);
    EXPECT_THAT((*done)[1].text, testing::StartsWith("WRONGTYPE"));
    EXPECT_EQ((*done)[2].text, "7");
}

TEST(RedisTransaction, RunsNothingWhenSomebodyElseChangedAWatchedKey) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
        (void)f.server.ask("SET n theirs");
        // So the tests below would see a connection that still watches.
        EXPECT_THAT(f.field(f.connections().front(), "flags"), HasSubstr("d"));
        EXPECT_TRUE(tx->queue(commands::set("n", "ours")));
        co_return co_await tx->commit();
    };
    const auto done = run_on(f.loop, work());
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, redis_errc::conflict);
    EXPECT_EQ(f.execute(command("GET", "n"))->text, "theirs");
    f.expect_no_connection_is_within_a_transaction();
}

TEST(RedisTransaction, WatchesFurtherKeysThatTheFirstOnesShow) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {}, f.within());
        auto watched = co_await tx->watch({"late"});
        EXPECT_TRUE(watched.has_value());
        (void)f.server.ask("SET late changed");
        co_return co_await tx->commit();
    };
    EXPECT_EQ(run_on(f.loop, work()).error().code, redis_errc::conflict);
}

TEST(RedisTransaction, SaysWhichCommandWasRefusedWhenItWasQueued) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
        EXPECT_TRUE(tx->queue(commands::increment("n")));
        EXPECT_TRUE(tx->queue(command("HSET", "h")));
        co_return co_await tx->commit();
    };
    const auto done = run_on(f.loop, work());
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, redis_errc::server_error);
    EXPECT_THAT(done.error().detail,
                testing::MatchesRegex("ERR wrong.*command 2 of 2, HSET: none.*"));
    EXPECT_EQ(f.execute(command("EXISTS", "n"))->integer, 0);
    f.expect_no_connection_is_within_a_transaction();
}

TEST(RedisTransaction, RefusesWhatBlocksOrChangesTheConnectionAndGoesOn) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
        EXPECT_EQ(tx->queue(command("BLPOP", "q", 0)).error().code, redis_errc::not_allowed);
        EXPECT_EQ(tx->queue(command("EXEC")).error().code, redis_errc::not_allowed);
        auto selected = co_await tx->execute(command("SELECT", 1));
        EXPECT_EQ(selected.error().code, redis_errc::not_allowed);
        auto wrong = co_await tx->execute(command("HGET", "n"));
        EXPECT_EQ(wrong.error().code, redis_errc::server_error);
        EXPECT_TRUE(tx->queue(commands::increment("n")));
        co_return co_await tx->commit();
    };
    EXPECT_EQ(run_on(f.loop, work())->front().integer, 1);
}

TEST(RedisTransaction, HoldsNoMoreThanItsBounds) {
    fixture f;
    auto options = test::transaction_options(f.server);
    options.lane_commands_max = 2;
    options.lane_bytes_max = 100;
    f.open(options);
    const auto work = [&]() -> asio::awaitable<void> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
        const auto large = tx->queue(commands::set("n", std::string(100, 'x')));
        EXPECT_EQ(large.error().code, redis_errc::queue_full);
        EXPECT_TRUE(tx->queue(command("PING")));
        EXPECT_TRUE(tx->queue(command("PING")));
        const auto third = tx->queue(command("PING"));
        EXPECT_EQ(third.error().code, redis_errc::queue_full);
        EXPECT_THAT(third.error().detail, HasSubstr("lane_commands_max is 2"));
        auto done = co_await tx->commit();
        EXPECT_TRUE(done.has_value());
    };
    run_on(f.loop, work());
}

// --- What is left on the connection ---

TEST(RedisTransaction, ClosesItsConnectionWhenItIsLeftWithoutCommit) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<bool> {
        {
            auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
            EXPECT_TRUE(tx->queue(commands::increment("n")));
            EXPECT_EQ(f.connections().size(), 1U);
        }
        co_return co_await wait_until([&] { return f.connections().empty(); }, in(5s));
    };
    EXPECT_TRUE(run_on(f.loop, work()));
    EXPECT_EQ(f.client->stats().idle, 0U);
    EXPECT_EQ(f.execute(command("EXISTS", "n"))->integer, 0);
}

TEST(RedisTransaction, GivesItsConnectionBackUnwatchedWhenItIsDiscarded) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<void> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
        auto done = co_await tx->discard();
        EXPECT_TRUE(done.has_value());
        EXPECT_EQ(tx->queue(command("PING")).error().code, redis_errc::not_sent);
    };
    run_on(f.loop, work());
    EXPECT_EQ(f.client->stats().idle, 1U);
    // Were it still watched, the server would now mark the connection as one whose EXEC fails.
    (void)f.server.ask("SET n changed");
    EXPECT_EQ(f.connections().size(), 1U);
    f.expect_no_connection_is_within_a_transaction();
}

TEST(RedisTransaction, GivesItsConnectionBackUnwatchedAfterAnyCommit) {
    fixture f;
    for (const bool is_conflict : {false, true}) {
        const auto work = [&]() -> asio::awaitable<values> {
            auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
            if (is_conflict) (void)f.server.ask("SET n changed");
            co_return co_await tx->commit();
        };
        EXPECT_EQ(run_on(f.loop, work()).has_value(), !is_conflict);
        (void)f.server.ask("SET n again");
        f.expect_no_connection_is_within_a_transaction();
    }
    EXPECT_EQ(f.client->stats().opened, 1U);
    EXPECT_EQ(f.client->stats().idle, 1U);
}

// --- Losses ---

TEST(RedisTransaction, IsNotSentWhenTheConnectionWasKilledAfterWatch) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
        EXPECT_TRUE(tx->queue(commands::increment("n")));
        (void)f.server.ask("CLIENT KILL TYPE normal");
        co_return co_await tx->commit();
    };
    const auto done = run_on(f.loop, work());
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, redis_errc::not_sent) << done.error().what();
    EXPECT_EQ(f.execute(command("EXISTS", "n"))->integer, 0);
    EXPECT_EQ(f.connections().size(), 1U);
}

// CLIENT PAUSE WRITE makes the server keep EXEC waiting; the connection is killed meanwhile.
asio::awaitable<void> kill_while_exec_waits(test::transaction_fixture& f) {
    const auto is_held = [&f] {
        for (const auto& line : f.connections()) {
            if (f.field(line, "flags").contains('b')) return true;
        }
        return false;
    };
    const auto seen = co_await wait_until(is_held, in(10s));
    EXPECT_TRUE(seen);
    (void)f.server.ask("CLIENT KILL TYPE normal");
    (void)f.server.ask("CLIENT UNPAUSE");
}

TEST(RedisTransaction, IsUnknownWhenTheConnectionIsKilledDuringExec) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within());
        EXPECT_TRUE(tx->queue(commands::increment("n")));
        (void)f.server.ask("CLIENT PAUSE 20000 WRITE");
        auto executor = co_await asio::this_coro::executor;
        asio::co_spawn(executor, kill_while_exec_waits(f),
                       [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
        co_return co_await tx->commit();
    };
    const auto done = run_on(f.loop, work());
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, redis_errc::unknown) << done.error().what();
    EXPECT_THAT(done.error().detail, HasSubstr("as a whole, or not at all"));
    EXPECT_EQ(f.execute(command("EXISTS", "n"))->integer, 0);
    EXPECT_EQ(f.connections().size(), 1U);
    f.expect_no_connection_is_within_a_transaction();
}

TEST(RedisTransaction, HonoursItsOneDeadlineAndClosesWhatStillOwesAReply) {
    fixture f;
    const auto work = [&]() -> asio::awaitable<values> {
        auto tx = co_await transaction::begin(*f.client, {"n"}, f.within(200ms));
        EXPECT_TRUE(tx->queue(commands::increment("n")));
        (void)f.server.ask("CLIENT PAUSE 20000 WRITE");
        co_return co_await tx->commit();
    };
    const auto before = clock::now();
    const auto done = run_on(f.loop, work());
    EXPECT_LT(clock::now() - before, 5s);
    EXPECT_EQ(done.error().code, redis_errc::unknown);
    (void)f.server.ask("CLIENT UNPAUSE");
    EXPECT_TRUE(run_on(f.loop, wait_until([&] { return f.connections().empty(); }, in(5s))));
}

// --- With retries ---

TEST(RedisRunTransaction, TriesAgainAfterAConflictAndCommits) {
    fixture f;
    int runs = 0;
    const auto body = [&](transaction& tx) -> asio::awaitable<result<void>> {
        auto queued = co_await add_one(tx);
        if (++runs <= 2) (void)f.server.ask("INCR n");
        co_return queued;
    };
    const auto done = run_on(f.loop, run_transaction(*f.client, {"n"}, body, f.within()));
    ASSERT_TRUE(done.has_value()) << done.error().what();
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(f.execute(command("GET", "n"))->text, "3");
}

TEST(RedisRunTransaction, TriesAgainWhenTheConnectionIsLostBeforeItIsSent) {
    fixture f;
    int runs = 0;
    const auto body = [&](transaction& tx) -> asio::awaitable<result<void>> {
        if (++runs == 1) (void)f.server.ask("CLIENT KILL TYPE normal");
        co_return co_await add_one(tx);
    };
    const auto done = run_on(f.loop, run_transaction(*f.client, {"n"}, body, f.within()));
    ASSERT_TRUE(done.has_value()) << done.error().what();
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(f.execute(command("GET", "n"))->text, "1");
}

TEST(RedisRunTransaction, TriesAgainWhileTheServerRefusesToWrite) {
    fixture f;
    int runs = 0;
    (void)f.server.ask("REPLICAOF localhost 1");
    const auto body = [&](transaction& tx) -> asio::awaitable<result<void>> {
        if (++runs == 2) (void)f.server.ask("REPLICAOF NO ONE");
        co_return co_await add_one(tx);
    };
    const auto done = run_on(f.loop, run_transaction(*f.client, {"n"}, body, f.within()));
    ASSERT_TRUE(done.has_value()) << done.error().what();
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(f.execute(command("GET", "n"))->text, "1");
}

TEST(RedisRunTransaction, GivesUpAfterItsTriesAndSaysHowMany) {
    fixture f;
    int runs = 0;
    const auto body = [&](transaction& tx) -> asio::awaitable<result<void>> {
        ++runs;
        (void)f.server.ask("INCR n");
        co_return tx.queue(commands::set("n", "ours"));
    };
    const auto done = run_on(f.loop, run_transaction(*f.client, {"n"}, body, f.within(), 3));
    EXPECT_EQ(done.error().code, redis_errc::conflict);
    EXPECT_THAT(done.error().detail, HasSubstr("so it was 3 times"));
    EXPECT_EQ(runs, 3);
}

TEST(RedisRunTransaction, GivesUpBeforeItsDeadlineHoweverManyTriesAreLeft) {
    fixture f;
    const auto body = [&](transaction& tx) -> asio::awaitable<result<void>> {
        (void)f.server.ask("INCR n");
        co_return tx.queue(commands::set("n", "ours"));
    };
    const auto by = f.within(150ms);
    const auto done = run_on(f.loop, run_transaction(*f.client, {"n"}, body, by, 1'000'000));
    EXPECT_FALSE(done.has_value());
    EXPECT_LT(clock::now(), by.by + 2s);
    EXPECT_NE(f.execute(command("GET", "n"))->text, "ours");
}

TEST(RedisRunTransaction, ReturnsTheBodysOwnErrorAndKeepsTheConnection) {
    fixture f;
    const auto body = [](transaction& tx) -> asio::awaitable<result<void>> {
        auto seen = co_await tx.execute(command("PING"));
        EXPECT_TRUE(seen.has_value());
        co_return failure(redis_errc::refused, "not today");
    };
    const auto done = run_on(f.loop, run_transaction(*f.client, {"n"}, body, f.within()));
    EXPECT_EQ(done.error().detail, "not today");
    EXPECT_EQ(f.client->stats().opened, 1U);
    EXPECT_EQ(f.client->stats().idle, 1U);
}

TEST(RedisRunTransaction, DoesNotRunABodyTwiceThatCommittedItself) {
    fixture f;
    int runs = 0;
    const auto body = [&](transaction& tx) -> asio::awaitable<result<void>> {
        ++runs;
        EXPECT_TRUE(tx.queue(commands::increment("n")));
        auto done = co_await tx.commit();
        EXPECT_TRUE(done.has_value());
        co_return result<void>{};
    };
    const auto done = run_on(f.loop, run_transaction(*f.client, {"n"}, body, f.within()));
    EXPECT_EQ(done.error().code, redis_errc::not_allowed);
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(f.execute(command("GET", "n"))->text, "1");
}

TEST(RedisRunTransaction, AddsUpExactlyUnderFiftyCallersAtOnce) {
    fixture f;
    std::size_t left = 50;
    int committed = 0;
    int bodies = 0;
    const auto body = [&](transaction& tx) -> asio::awaitable<result<void>> {
        ++bodies;
        co_return co_await add_one(tx);
    };
    const auto one = [&]() -> asio::awaitable<void> {
        auto done = co_await run_transaction(*f.client, {"n"}, body, f.within(50s), 1000);
        if (!done) ADD_FAILURE() << done.error().what();
        if (done) ++committed;
        --left;
    };
    for (int i = 0; i < 50; ++i)
        asio::co_spawn(f.loop, one(),
                       [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
    EXPECT_TRUE(run_on(f.loop, wait_until([&] { return left == 0; }, in(50s))));
    EXPECT_EQ(committed, 50);
    EXPECT_EQ(f.execute(command("GET", "n"))->text, "50");
    EXPECT_LE(f.connections().size(), 6U);
    f.expect_no_connection_is_within_a_transaction();
    RecordProperty("bodies", bodies);
    f.close();
    EXPECT_TRUE(f.connections().empty());
}

}  // namespace
}  // namespace headroom::redis
