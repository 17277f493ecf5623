// SPDX-License-Identifier: Apache-2.0
// Caps, waiters and queues while connections fail, and servers that restart, fill up or are
// demoted. The server's CLIENT LIST and its counters are the judges.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
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

asio::awaitable<void> echo_until(fault_world& w, int who, deadline until) {
    for (int i = 0; clock::now() < until; ++i) {
        const auto token = std::to_string(who) + ":" + std::to_string(i);
        const auto reply = co_await w.redis->execute(command("ECHO", token), w.by(500ms));
        w.outcomes.add(reply);
        if (reply) EXPECT_EQ(reply->text, token);
        if (!reply) co_await net::sleep_until(in(2ms));
    }
}

asio::awaitable<void> pop_until(fault_world& w, deadline until) {
    while (clock::now() < until) {
        auto leased = co_await w.redis->lease(w.by(500ms));
        if (!leased) continue;
        const auto reply = co_await leased->execute(command("BLPOP", "never", "0.01"), in(500ms));
        if (!reply) co_await net::sleep_until(in(2ms));
    }
}

// --- Caps ---

TEST(RedisCap, HoldsOnTheServerWhileConnectionsAreKilledAndDialledAgain) {
    fault_world w({.server_options = {}, .cap = 3, .warm_leases = 2});
    w.gate.delay(toward::server, 2ms);  // the server hears of an end later than we do
    const auto until = in(1500ms);
    for (int i = 0; i < 20; ++i)
        w.start(echo_until(w, i, until));
    for (int i = 0; i < 6; ++i)
        w.start(pop_until(w, until));
    std::size_t most = 0;
    std::atomic<bool> is_over{false};
    std::thread watching([&] {
        for (int i = 0; !is_over; ++i) {
            most = std::max(most, w.server.client_names().size());
            if (i % 200 == 0) (void)w.server.ask("CLIENT KILL TYPE normal SKIPME yes");
        }
    });
    w.join();
    is_over = true;
    watching.join();
    EXPECT_GE(most, 2U);
    EXPECT_LE(most, 3U);
    EXPECT_TRUE(w.outcomes.has_only({"ok", "unknown", "not sent"}));
    EXPECT_GT(w.outcomes.of("ok"), 0);
    EXPECT_GT(w.outcomes.of("unknown"), 0);
    w.expect_recovers("async: CLIENT KILL at the cap");
}

TEST(RedisCap, HoldsAtTheGateWhileConnectionsAreCut) {
    fault_world w({.server_options = {}, .cap = 3, .warm_leases = 2});
    const auto until = in(1s);
    for (int i = 0; i < 20; ++i)
        w.start(echo_until(w, i, until));
    for (int i = 0; i < 6; ++i)
        w.start(pop_until(w, until));
    const auto cut_often = [](fault_world& on, deadline end) -> asio::awaitable<void> {
        for (int i = 0; clock::now() < end; ++i) {
            co_await net::sleep_until(in(7ms));
            if (i % 2 == 0) on.gate.cut();
            if (i % 2 == 1) on.gate.close();
        }
    };
    w.start(cut_often(w, until));
    w.join();
    EXPECT_GT(w.gate.accepted(), 20U);
    EXPECT_LE(w.gate.most(), 3U);
    w.expect_recovers("async: cuts at the cap");
}

// --- Waiters ---

TEST(RedisWaiters, AreServedInTheirOrderAndEachEndsByItsDeadline) {
    fault_world w({.server_options = {}, .cap = 2});  // one for the lane, one for leases
    w.gate.delay(toward::client, 1ms);
    std::vector<int> served;
    int refused = 0;
    const auto wait_in_line = [](fault_world& on, int who, std::vector<int>& order,
                                 int& late) -> asio::awaitable<void> {
        const auto until = in(who % 2 == 0 ? 30s : std::chrono::milliseconds(who % 500));
        auto leased = co_await on.redis->lease({on.owner, until});
        if (!leased) {
            ++late;
            EXPECT_LT(clock::now() - until, 500ms);
            co_return;
        }
        order.push_back(who);
        const auto reply = co_await leased->execute(command("PING"), in(5s));
        on.outcomes.add(reply);
    };
    for (int i = 0; i < 4'000; ++i)
        w.start(wait_in_line(w, i, served, refused));
    w.join(40s);
    EXPECT_TRUE(std::ranges::is_sorted(served));
    EXPECT_EQ(served.size() + static_cast<std::size_t>(refused), 4'000U);
    EXPECT_EQ(std::ranges::count_if(served, [](int who) { return who % 2 == 0; }), 2'000);
    EXPECT_GT(refused, 1'000);
    w.expect_recovers("async: 4,000 waiters for one lease");
}

TEST(RedisWaiters, OutlastAServerThatRefusesForAWhile) {
    fault_world w({.server_options = {}, .warm_leases = 3});
    w.gate.refuse();
    w.gate.cut();
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().size() == 0; }));
    const auto failed = w.redis->stats().opens_failed;
    const auto lease = [](fault_world& on, clock::duration within) -> asio::awaitable<void> {
        auto leased = co_await on.redis->lease(on.by(within));
        if (!leased) {
            on.outcomes.add(leased);
            co_return;
        }
        const auto reply = co_await leased->execute(command("PING"), in(5s));
        on.outcomes.add(reply);
    };
    for (int i = 0; i < 25; ++i) {
        w.start(lease(w, 10s));
        w.start(lease(w, 100ms));
    }
    w.start_echoes(25, 10s);
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().opens_failed >= failed + 5; }));
    ASSERT_TRUE(w.becomes([&] { return w.outcomes.total() == 25; }));
    w.gate.heal();
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 50);
    w.expect_recovers("async: refused while waiters queue");
    // A dial costs the server something: they back off.
    EXPECT_LT(w.redis->stats().opens_failed, failed + 60);
}

// --- Queues ---

TEST(RedisQueue, IsBoundedWhileTheServerReadsNothingAndFlowsAgain) {
    fault_world w({.server_options = {}, .silence_max = 10s, .lane_bytes_max = 64 * 1024 * 1024});
    w.gate.pause(toward::server);
    const std::string megabyte(1024 * 1024, 'm');
    for (int i = 0; i < 120; ++i)
        w.start_execute(command("SET", "large", megabyte), 10s, "OK");
    // More than 64 MiB and the sockets' buffers is refused at once.
    ASSERT_TRUE(w.becomes([&] { return w.outcomes.total() >= 20; }, 1s));
    EXPECT_TRUE(w.outcomes.has_only({"queue full"}));
    const auto refused = w.outcomes.total();
    w.gate.heal();
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 120 - refused);
    w.expect_recovers("async: queue full before a server that reads nothing");
}

TEST(RedisQueue, NeverWaitsForWritesWithReadsOrTheOtherWayRound) {
    fault_world w({.server_options = {}, .silence_max = 20s});
    w.gate.pause(toward::client);
    const std::string megabyte(1024 * 1024, 'm');
    for (int i = 0; i < 48; ++i)
        w.start_execute(command("ECHO", megabyte), 20s, megabyte);
    w.start_echoes(100, 20s);
    ASSERT_TRUE(w.passes(toward::server, 40 * megabyte.size()));
    w.gate.pass(toward::client);
    w.join(20s);
    EXPECT_EQ(w.outcomes.of("ok"), 148);
    w.expect_recovers("async: 48 MiB both ways, replies held up");
}

// --- Servers ---

TEST(RedisServers, KilledWithinTenThousandCommandsLeaveTrueCounts) {
    fault_world w({.server_options = {"--appendonly", "yes"}});
    struct tally {
        std::int64_t ok = 0;
        std::int64_t unknown = 0;
    } counts;
    const auto count = [](fault_world& on, tally& into) -> asio::awaitable<void> {
        for (int i = 0; i < 5; ++i) {
            const auto replies = co_await on.redis->pipeline(
                std::vector<command>(20, command("INCR", "n")), on.by(10s));
            on.outcomes.add(replies);
            if (replies) into.ok += 20;
            if (!replies && replies.error().code != redis_errc::not_sent) into.unknown += 20;
        }
    };
    for (int i = 0; i < 100; ++i)
        w.start(count(w, counts));
    ASSERT_TRUE(w.passes(toward::client, 2'000));
    w.server.kill();
    w.server.start();
    w.join(20s);
    const auto value = std::stoll(w.execute(command("GET", "n"))->text);
    EXPECT_LE(counts.ok, value);
    EXPECT_LE(value, counts.ok + counts.unknown);
    EXPECT_GT(counts.ok, 2'000);
    EXPECT_GT(counts.unknown, 0);
    w.expect_recovers("async: server killed within 10,000 INCR");
}

TEST(RedisServers, ThatCloseIdleConnectionsCostNobodyACommand) {
    fault_world w({.server_options = {}, .has_subscriber = true});
    (void)w.server.ask("CONFIG SET timeout 1");
    ASSERT_TRUE(w.becomes([&] {
        // The subscriber is never idle.
        return w.on_server() == 1 && w.redis->lane().connections == 0;
    }));
    (void)w.server.ask("CONFIG SET timeout 0");
    w.start_echoes(20, 2s);
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 20);
    w.expect_recovers("async: idle connections closed by the server");
}

// The last moment of that race: the request meets a connection that has just been closed.
TEST(RedisServers, ThatCloseAtTheVeryRequestLeaveItUnknownOnce) {
    fault_world w;
    w.gate.close_on_data(toward::server);
    w.start_echoes(1, 300ms);
    w.join();
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "not sent"}));
    w.expect_recovers("async: closed at the request");

    blocking_world threads;
    threads.gate.close_on_data(toward::server);
    threads.start_execute(command("ECHO", "mine"), 300ms, "mine");
    threads.join();
    EXPECT_TRUE(threads.outcomes.has_only({"unknown", "not sent"}));
    threads.expect_recovers("sync: closed at the request");
}

TEST(RedisServers, ThatAreFullAreDialledNowAndThenUntilTheyHaveRoom) {
    fault_world w({.server_options = {}, .cap = 6});
    // Room for the two we have; whoever else dials is turned away.
    ASSERT_TRUE(w.execute(command("CONFIG", "SET", "maxclients", 2)).has_value());
    const auto dials = w.gate.accepted();
    const auto hold_for_all = [](fault_world& on, int& holders) -> asio::awaitable<void> {
        auto leased = co_await on.redis->lease(on.by(10s));
        on.outcomes.add(leased);
        if (!leased) co_return;
        ++holders;
        const bool all = co_await test::wait_until([&] { return holders == 3; }, in(10s));
        EXPECT_TRUE(all);
    };
    int holders = 0;
    for (int i = 0; i < 3; ++i)
        w.start(hold_for_all(w, holders));
    ASSERT_TRUE(w.becomes([&] { return w.redis->stats().opens_failed >= 4; }));
    EXPECT_EQ(holders, 1);
    EXPECT_EQ(w.execute(command("ECHO", "still"))->text, "still");
    EXPECT_LT(w.gate.accepted() - dials, 40U);
    ASSERT_TRUE(w.execute(command("CONFIG", "SET", "maxclients", 1000)).has_value());
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 3);
    tell_recovery("async: maxclients", w.outcomes, {}, 2, w.on_server());
    EXPECT_EQ(w.on_server(), 4U);  // the lane and three leases, no more
}

TEST(RedisServers, ThatAreDemotedRefuseWritesAndServeAgainLater) {
    fault_world w;
    EXPECT_EQ(w.server.ask("REPLICAOF 127.0.0.1 1"), "+OK\r\n");
    w.start_execute(command("SET", "key", "value"), 300ms);
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 0);
    EXPECT_EQ(w.server.ask("REPLICAOF NO ONE"), "+OK\r\n");
    EXPECT_TRUE(w.becomes([&] { return w.execute(command("SET", "key", "value")).has_value(); }));
    w.expect_recovers("async: demoted and promoted again");
}

// --- Children ---

TEST(RedisChildren, OfAForkKeepNoConnectionAlive) {
    fault_world w;
    int pipe_ends[2];
    ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::close(pipe_ends[1]);
        char byte = 0;
        (void)!::read(pipe_ends[0], &byte, 1);  // until the parent is done
        ::_exit(0);
    }
    ::close(pipe_ends[0]);
    w.start_echoes(10, 2s);
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 10);
    // The child still has the descriptors.
    EXPECT_TRUE(run_on(w.loop, w.redis->close(in(2s))).has_value());
    EXPECT_TRUE(w.becomes([&] { return w.on_server() == 0; }));
    ::close(pipe_ends[1]);
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(RedisChildren, OfAnExecInheritNoSocket) {
    const fault_world w;
    const blocking_world threads;
    int sockets = 0;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::stoi(each.path().filename());
        struct stat what{};
        if (fd <= STDERR_FILENO || ::fstat(fd, &what) != 0 || !S_ISSOCK(what.st_mode)) continue;
        ++sockets;
        EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << "descriptor " << fd;
    }
    EXPECT_GE(sockets, 4);
}

}  // namespace
}  // namespace headroom::redis
