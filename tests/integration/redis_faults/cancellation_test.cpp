// SPDX-License-Identifier: Apache-2.0
// Callers who give up, at every moment of a call, and clients that end under them.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <vector>

#include "fault_world.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using test::toward;

const std::string large(32 * 1024 * 1024, 'v');

asio::awaitable<void> lease_and_ping(fault_world& w, clock::duration within) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto leased = co_await w.redis->lease(w.by(within));
    if (!leased) {
        w.outcomes.add(leased);
        co_return;
    }
    const auto reply = co_await leased->execute(command("PING"), in(within));
    w.outcomes.add(reply);
}

asio::awaitable<void> lease_and_hold(fault_world& w, const bool& is_over) {
    auto leased = co_await w.redis->lease(w.by(5s));
    EXPECT_TRUE(leased.has_value());
    const bool ended = co_await test::wait_until([&] { return is_over; }, in(10s));
    EXPECT_TRUE(ended);
}

TEST(RedisCancel, WithoutAConnectionLeavesNothingSent) {
    fault_world w;
    w.gate.refuse();
    w.gate.cut();
    ASSERT_TRUE(w.becomes([&] { return w.redis->lane().connections == 0; }));
    w.start_echoes(10, 10s);
    ASSERT_TRUE(w.becomes([&] { return w.redis->lane().outstanding == 10; }));
    w.cancel_all();
    w.join(1s);
    EXPECT_EQ(w.outcomes.of("not sent"), 10);
    w.expect_recovers("async: cancel while nobody answers the door");
}

TEST(RedisCancel, AfterTheWriteAbandonsTheReplyAndKeepsTheConnection) {
    fault_world w;
    const auto dials = w.gate.accepted();
    w.gate.pause(toward::client);
    w.start_echoes(10, 10s);
    ASSERT_TRUE(w.passes(toward::server, 10 * 20));
    w.cancel_all();
    w.join(1s);
    EXPECT_EQ(w.outcomes.of("unknown"), 10);
    w.expect_recovers("async: cancel after the write");
    EXPECT_EQ(w.gate.accepted(), dials);
}

TEST(RedisCancel, OfAHalfWrittenCommandLeavesTheStreamWhole) {
    fault_world w({.server_options = {}, .silence_max = 10s});  // slow is not dead
    const auto dials = w.gate.accepted();
    w.gate.pause(toward::server);
    w.start_execute(command("SET", "large", large), 10s, "OK");
    // Behind it: some encoded, some not.
    w.start_echoes(10, 10s);
    ASSERT_TRUE(w.becomes([&] { return w.redis->lane().outstanding == 11; }));
    w.cancel_all();
    w.join(1s);
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "not sent"}));
    w.expect_recovers("async: cancel of a half-written command");
    EXPECT_EQ(w.gate.accepted(), dials);
    EXPECT_EQ(w.execute(command("STRLEN", "large"))->integer,
              static_cast<std::int64_t>(large.size()));
}

TEST(RedisCancel, WithinAReplySwallowsTheRestOfIt) {
    fault_world w({.server_options = {}, .silence_max = 10s});  // slow is not dead
    ASSERT_TRUE(w.execute(command("SET", "large", large)).has_value());
    const auto dials = w.gate.accepted();
    ASSERT_TRUE(w.passes(toward::client, 0));
    w.gate.slow(toward::client, 10'000'000);
    w.start_execute(command("GET", "large"), 10s, large);
    ASSERT_TRUE(w.passes(toward::client, 100'000));
    w.cancel_all();
    w.join(1s);
    EXPECT_EQ(w.outcomes.of("unknown"), 1);
    w.expect_recovers("async: cancel within a reply");
    EXPECT_EQ(w.gate.accepted(), dials);
    EXPECT_EQ(w.redis->traffic().abandoned, 1U);
}

TEST(RedisCancel, OfEveryOtherCallerHarmsNoneOfTheRest) {
    fault_world w({.server_options = {}, .silence_max = 10s});  // slow is not dead
    w.gate.delay(toward::client, 20ms);
    for (int round = 0; round < 20; ++round) {
        w.start_echoes(20, 10s);
        ASSERT_TRUE(w.passes(toward::server, 20));
        w.cancel_all();
        w.start_echoes(20, 10s);
        w.join();
    }
    EXPECT_GE(w.outcomes.of("ok"), 400);
    EXPECT_GE(w.outcomes.of("unknown"), 100);
    EXPECT_TRUE(w.outcomes.has_only({"ok", "unknown", "not sent"}));
    w.expect_recovers("async: cancel of half of the callers");
}

TEST(RedisCancel, OfAWaiterForALeaseLeavesThePlaceInLineToOthers) {
    fault_world w({.server_options = {}, .cap = 2});
    bool is_over = false;
    w.start(lease_and_hold(w, is_over), true);
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().leased == 2; }));
    for (int i = 0; i < 5; ++i)
        w.start(lease_and_ping(w, 10s));
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().waiting == 5; }));
    w.cancel_all();
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().waiting == 0; }, 1s));
    for (int i = 0; i < 3; ++i)
        w.start(lease_and_ping(w, 10s));
    is_over = true;
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 3);
    EXPECT_EQ(w.outcomes.total(), 8);
    w.expect_recovers("async: cancel of waiters for a lease");
}

TEST(RedisCancel, WhileDiallingEndsTheCallerAtOnceAndTheDialInItsTime) {
    fault_world w;
    w.gate.pause(toward::client);
    w.gate.cut();
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().size() == 0; }));
    w.start(lease_and_ping(w, 10s));
    w.start_echoes(1, 10s);
    ASSERT_TRUE(w.passes(toward::server, 30));  // HELLO is on its way
    w.cancel_all();
    w.join(200ms);
    EXPECT_EQ(w.outcomes.of("ok"), 0);
    EXPECT_EQ(w.outcomes.of("not sent"), 1);
    w.expect_recovers("async: cancel while dialling");
}

// --- Deadlines ---

TEST(RedisDeadline, IsHonouredByCallersWhomNobodyAnswers) {
    fault_world w({.server_options = {}, .silence_max = 10s});
    w.gate.pause(toward::client);
    clock::duration latest{};
    const auto call = [](fault_world& on, clock::duration within,
                         clock::duration& late) -> asio::awaitable<void> {
        const auto until = in(within);
        const auto reply = co_await on.redis->execute(command("ECHO", "x"), {on.owner, until});
        late = std::max(late, clock::now() - until);
        EXPECT_GE(clock::now(), until);
        on.outcomes.add(reply);
    };
    for (int i = 0; i < 200; ++i)
        w.start(call(w, std::chrono::milliseconds(20 + i), latest));
    w.join();
    EXPECT_EQ(w.outcomes.total(), 200);
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "not sent"}));
    EXPECT_LT(latest, 200ms);  // of two shared cores, not of the timer
    w.expect_recovers("async: 200 deadlines without an answer");
}

TEST(RedisDeadline, ThatHasPassedSendsNothing) {
    fault_world w;
    w.start_echoes(20, -1ms);
    w.start_echoes(20, 0ms);
    w.join();
    EXPECT_EQ(w.outcomes.of("not sent"), 40);
    EXPECT_EQ(w.redis->traffic().abandoned, 0U);
    w.expect_recovers("async: deadlines in the past");
}

TEST(RedisDeadline, IsHonouredByThreadsThatWaitForAConnection) {
    blocking_world w;
    w.gate.pause(toward::client);
    const auto started = clock::now();
    for (int i = 0; i < 8; ++i)
        w.start_execute(command("ECHO", "mine"), 200ms, "mine");
    w.join();
    EXPECT_LT(clock::now() - started, 1s);
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "not sent"}));
    w.expect_recovers("sync: eight threads, two connections, no answer");
}

// --- Ends of the client ---

TEST(RedisEnd, FailsWhatIsPendingAtItsDeadlineAndMayBeToldTwice) {
    fault_world w({.server_options = {}, .silence_max = 10s});
    w.gate.pause(toward::client);
    w.start_echoes(10, 20s);
    ASSERT_TRUE(w.passes(toward::server, 10 * 20));
    const auto started = clock::now();
    (void)run_on(w.loop, w.redis->close(in(200ms)));
    EXPECT_LT(clock::now() - started, 3s);
    w.join(1s);
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "closed"}));
    EXPECT_EQ(w.outcomes.total(), 10);
    w.gate.heal();
    EXPECT_TRUE(w.becomes([&] { return w.on_server() == 0; }));
    tell_recovery("async: close with calls pending", w.outcomes, clock::now() - started, 2,
                  w.on_server());
}

TEST(RedisEnd, WaitsForAnswersThatComeInTime) {
    fault_world w;
    w.gate.delay(toward::client, 100ms);
    w.start_echoes(10, 20s);
    ASSERT_TRUE(w.passes(toward::server, 10 * 20));
    EXPECT_TRUE(run_on(w.loop, w.redis->close(in(5s))).has_value());
    w.join(1s);
    EXPECT_EQ(w.outcomes.of("ok"), 10);
    EXPECT_TRUE(w.becomes([&] { return w.on_server() == 0; }));
}

TEST(RedisEnd, ByDestructionEndsEveryCaller) {
    fault_world w({.server_options = {}, .silence_max = 10s});
    w.gate.pause(toward::client);
    w.start_echoes(10, 20s);
    ASSERT_TRUE(w.passes(toward::server, 10 * 20));
    w.redis.reset();
    w.join(1s);
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "closed"}));
    EXPECT_EQ(w.outcomes.total(), 10);
    w.gate.heal();
    EXPECT_TRUE(w.becomes([&] { return w.on_server() == 0; }));
}

// The dial ends in its own time, its socket and the waiter's frame with it (LeakSanitizer looks).
TEST(RedisEnd, ByDestructionWhileDiallingLeavesNeitherCallersNorSockets) {
    fault_world w({.server_options = {}, .silence_max = 10s});
    w.gate.pause(toward::client);
    w.gate.cut();
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().size() == 0; }));
    w.start_echoes(5, 20s);
    w.start(lease_and_ping(w, 1s));
    ASSERT_TRUE(w.passes(toward::server, 30));  // HELLO is on its way
    w.redis.reset();
    w.join(3s);
    EXPECT_EQ(w.outcomes.total(), 6);
    EXPECT_EQ(w.outcomes.of("ok"), 0);
    w.gate.heal();
    EXPECT_TRUE(w.becomes([&] { return w.server.client_names().empty(); }));
}

TEST(RedisEnd, CutsAThreadThatBlocksAndMayBeToldTwice) {
    blocking_world w;
    w.start_execute(command("BLPOP", "never", 0), 20s);
    ASSERT_TRUE(w.passes(toward::server, 30));
    const auto started = clock::now();
    (void)w.redis->close(in(200ms));
    (void)w.redis->close(in(200ms));
    w.join();
    EXPECT_LT(clock::now() - started, 5s);
    EXPECT_TRUE(w.outcomes.has_only({"unknown"}));
    tell_recovery("sync: close under a BLPOP", w.outcomes, clock::now() - started, 2, 0);
}

}  // namespace
}  // namespace headroom::redis
