// SPDX-License-Identifier: Apache-2.0
// How threads share the connections of a blocking client, against a real server that is suspended
// or killed while their calls are on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "net/loop_thread.hpp"
#include "redis/blocking_client.hpp"
#include "support/private_redis.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using test::private_redis;

deadline in(clock::duration from_now) {
    return clock::now() + from_now;
}

bool becomes_true(const std::function<bool()>& condition) {
    const auto by = in(20s);
    while (!condition()) {
        if (clock::now() > by) return false;
        std::this_thread::yield();
    }
    return true;
}

client_options options_for(const private_redis& server, std::uint32_t cap) {
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = pool_kind::sync;
    options.bounds.cap = cap;
    options.bounds.backoff_first = 1ms;
    options.bounds.backoff_max = 20ms;
    options.retries.reads = false;  // what the lane does, not what is made good after it
    return options;
}

constexpr auto name = "chat:host-1:42:sync";

class RedisBlockingLane : public testing::Test {
protected:
    using answer = std::future<result<value>>;

    void begin(std::uint32_t cap, std::uint32_t shared = 6) {
        auto options = options_for(server, cap);
        options.lane_connections_max = shared;
        redis.emplace(options);
        owner = redis->owner("test");
    }
    [[nodiscard]] bool answers() {
        return redis->execute(command("PING"), {owner, in(20s)}).has_value();
    }
    // On a thread of its own.
    [[nodiscard]] answer echo(std::string token, clock::duration patience = 20s) {
        return std::async(std::launch::async, [this, token = std::move(token), patience] {
            return redis->execute(command("ECHO", token), {owner, in(patience)});
        });
    }
    // Returns once so many commands are on the lane.
    [[nodiscard]] bool are_outstanding(std::size_t commands) {
        return becomes_true([&] { return redis->lane().outstanding == commands; });
    }
    // So many connections in the pool, none in use.
    void open(std::size_t connections) {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < connections; ++i) {
            threads.emplace_back([this] {
                (void)redis->execute(command("BLPOP", "none", "0.3"), {owner, in(20s)});
            });
        }
        EXPECT_TRUE(becomes_true([&] { return redis->stats().leased == connections; }));
    }

    private_redis server;
    std::optional<blocking_client> redis;
    pool::owner_id owner{};
};

TEST_F(RedisBlockingLane, CarriesTheCommandsOfManyThreadsOnOneConnection) {
    begin(4, 1);
    ASSERT_TRUE(answers());
    server.suspend();
    std::vector<answer> all;
    for (int i = 0; i < 12; ++i)
        all.push_back(echo(std::to_string(i)));
    EXPECT_TRUE(are_outstanding(12));
    EXPECT_EQ(redis->lane().connections, 1U);
    EXPECT_EQ(redis->stats().leased, 1U);
    server.resume();
    for (int i = 0; i < 12; ++i)
        EXPECT_EQ(all[static_cast<std::size_t>(i)].get()->text, std::to_string(i));
    EXPECT_EQ(redis->lane().connections, 0U);
    EXPECT_EQ(redis->stats().idle, 1U);
    EXPECT_EQ(redis->owners().at(0).name, "test");
    EXPECT_EQ(redis->owners().at(0).granted, 13U);
}

TEST_F(RedisBlockingLane, TakesAnotherConnectionIfOneIsIdleButLeavesOneToLeases) {
    begin(3);
    open(3);
    server.suspend();
    std::vector<answer> all;
    for (int i = 0; i < 60; ++i)
        all.push_back(echo(std::to_string(i)));
    EXPECT_TRUE(are_outstanding(60));
    EXPECT_EQ(redis->lane().connections, 2U);
    EXPECT_EQ(redis->stats().idle, 1U);
    server.resume();
    for (int i = 0; i < 60; ++i)
        EXPECT_EQ(all[static_cast<std::size_t>(i)].get()->text, std::to_string(i));
}

TEST_F(RedisBlockingLane, OpensOneMoreWithoutAnybodyWaitingForIt) {
    begin(3);
    ASSERT_TRUE(answers());
    server.suspend();
    std::vector<answer> all;
    for (int i = 0; i < 30; ++i)
        all.push_back(echo(std::to_string(i)));
    EXPECT_TRUE(are_outstanding(30));
    EXPECT_EQ(redis->stats().opening, 1U);
    EXPECT_EQ(redis->lane().connections, 1U);
    server.resume();
    for (auto& each : all)
        EXPECT_TRUE(each.get().has_value());
    EXPECT_TRUE(becomes_true([&] { return redis->stats().idle == 2; }));
}

TEST_F(RedisBlockingLane, SwallowsTheReplyOfALeaderThatGaveUpAndPassesItsPlaceOn) {
    begin(2);
    ASSERT_TRUE(answers());
    server.suspend();
    auto ann = echo("ann", 100ms);
    EXPECT_TRUE(are_outstanding(1));
    auto bob = echo("bob");
    const auto late = ann.get();
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, redis_errc::unknown);
    EXPECT_THAT(late.error().detail, testing::HasSubstr("deadline"));
    server.resume();
    EXPECT_EQ(bob.get()->text, "bob");
    EXPECT_EQ(redis->traffic().abandoned, 1U);
    EXPECT_EQ(redis->lane().reconnects, 0U);
    EXPECT_EQ(redis->stats().opened, 1U);
}

TEST_F(RedisBlockingLane, EndsACallThatOnlyQueuedAsNotSent) {
    begin(2);
    ASSERT_TRUE(answers());
    server.suspend();
    auto ann = echo("ann");
    EXPECT_TRUE(are_outstanding(1));
    const auto late = echo("bob", 50ms).get();
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, redis_errc::not_sent);
    server.resume();
    EXPECT_EQ(ann.get()->text, "ann");
}

TEST_F(RedisBlockingLane, SaysInATimeoutWhatItsConnectionAndThePoolLookedLike) {
    begin(2);
    ASSERT_TRUE(answers());
    server.suspend();
    auto ann = echo("ann");
    EXPECT_TRUE(are_outstanding(1));
    const auto late = echo("bob", 50ms).get();
    ASSERT_FALSE(late.has_value());
    EXPECT_THAT(late.error().detail,
                testing::AllOf(testing::ContainsRegex("its connection owes [12] replies"),
                               testing::HasSubstr("ms ago, and has "),
                               testing::HasSubstr("pool sync: cap 2, 1 leased (test 1), 0 idle")));
    server.resume();
    EXPECT_EQ(ann.get()->text, "ann");
}

TEST_F(RedisBlockingLane, SaysToEachThatWaitsForAConnectionWhyThereIsNone) {
    begin(2);
    server.kill();
    std::vector<answer> all;
    for (const auto* who : {"ann", "bob", "eve"})
        all.push_back(echo(who, 200ms));
    for (auto& each : all) {
        const auto late = each.get();
        ASSERT_FALSE(late.has_value());
        EXPECT_EQ(late.error().code, redis_errc::not_sent);
        EXPECT_THAT(late.error().detail, testing::AllOf(testing::HasSubstr("pool sync: cap 2"),
                                                        testing::HasSubstr("last open failed: "),
                                                        testing::HasSubstr(server.unix_path())));
    }
}

TEST_F(RedisBlockingLane, ClosesAConnectionWhoseRepliesNobodyIsLeftToRead) {
    begin(2);
    ASSERT_TRUE(answers());
    server.suspend();
    EXPECT_EQ(echo("ann", 50ms).get().error().code, redis_errc::unknown);
    EXPECT_EQ(redis->lane().connections, 0U);
    server.resume();
    EXPECT_EQ(echo("bob").get()->text, "bob");
    EXPECT_TRUE(becomes_true([&] { return server.count_clients(name) == 1; }));
}

TEST_F(RedisBlockingLane, SendsElsewhereWhatHadNotLeftALostConnection) {
    begin(2);
    ASSERT_TRUE(answers());
    server.suspend();
    const std::string padding(60'000, 'x');
    std::vector<answer> all;
    for (int i = 0; i < 40; ++i)
        all.push_back(echo(std::to_string(i) + padding));
    EXPECT_TRUE(are_outstanding(40));
    server.kill();
    server.start();
    int done = 0;
    int unknown = 0;
    for (int i = 0; i < 40; ++i) {
        const auto reply = all[static_cast<std::size_t>(i)].get();
        if (reply) {
            EXPECT_EQ(reply->text, std::to_string(i) + padding);
            ++done;
        } else {
            EXPECT_EQ(reply.error().code, redis_errc::unknown) << reply.error().what();
            ++unknown;
        }
    }
    EXPECT_GT(done, 0);
    EXPECT_GT(unknown, 0);
    EXPECT_EQ(redis->lane().outstanding, 0U);
}

TEST_F(RedisBlockingLane, GivesWayToALeaseEvenAtACapOfOne) {
    begin(1);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> served{0};
    std::vector<std::jthread> busy;
    for (int t = 0; t < 4; ++t) {
        busy.emplace_back([&] {
            while (!stop)
                served += redis->execute(command("PING"), {owner, in(20s)}).has_value() ? 1 : 0;
        });
    }
    EXPECT_TRUE(becomes_true([&] { return served > 100; }));
    for (int i = 0; i < 20; ++i) {
        const auto popped = redis->execute(command("BLPOP", "none", "0.001"), {owner, in(20s)});
        ASSERT_TRUE(popped.has_value()) << popped.error().what();
        EXPECT_TRUE(popped->is_null());
    }
    const auto before = served.load();
    EXPECT_TRUE(becomes_true([&] { return served > before + 100; }));
    stop = true;
    busy.clear();
    EXPECT_EQ(server.count_clients(name), 1U);
}

TEST_F(RedisBlockingLane, RefusesWhatIsBeyondItsBounds) {
    auto options = options_for(server, 1);
    options.lane_commands_max = 2;
    options.lane_bytes_max = 1000;
    redis.emplace(options);
    owner = redis->owner("test");
    const auto large = echo(std::string(2000, 'x')).get();
    ASSERT_FALSE(large.has_value());
    EXPECT_EQ(large.error().code, redis_errc::queue_full);
    EXPECT_THAT(large.error().detail, testing::HasSubstr("lane_bytes_max is 1000"));
    ASSERT_TRUE(answers());
    server.suspend();
    auto ann = echo("ann");
    auto bob = echo("bob");
    EXPECT_TRUE(are_outstanding(2));
    const auto third = echo("cid").get();
    ASSERT_FALSE(third.has_value());
    EXPECT_THAT(third.error().detail, testing::HasSubstr("lane_commands_max is 2"));
    server.resume();
    EXPECT_TRUE(ann.get().has_value() && bob.get().has_value());
}

TEST_F(RedisBlockingLane, RefusesNewCallsAndCutsPendingOnesWhenItCloses) {
    begin(2);
    ASSERT_TRUE(answers());
    server.suspend();
    auto ann = echo("ann");
    auto bob = echo("bob");
    EXPECT_TRUE(are_outstanding(2));
    (void)redis->close(in(100ms));
    for (auto* each : {&ann, &bob}) {
        const auto reply = each->get();
        ASSERT_FALSE(reply.has_value());
        EXPECT_TRUE(reply.error().code == redis_errc::unknown ||
                    reply.error().code == redis_errc::closed)
            << reply.error().what();
    }
    EXPECT_EQ(echo("cid").get().error().code, redis_errc::closed);
    server.resume();
}

TEST_F(RedisBlockingLane, RefusesToBlockAnEventLoop) {
    begin(2);
    {
        const net::loop_thread mark;
        const auto reply = redis->execute(command("PING"), {owner, in(20s)});
        ASSERT_FALSE(reply.has_value());
        EXPECT_EQ(reply.error().code, redis_errc::not_allowed);
        EXPECT_THAT(reply.error().detail, testing::HasSubstr("use the asynchronous client"));
        EXPECT_EQ(redis->pipeline({command("PING")}, {owner, in(20s)}).error().code,
                  redis_errc::not_allowed);
        EXPECT_TRUE(echo("on another thread").get().has_value());
    }
    EXPECT_TRUE(answers());
}

TEST_F(RedisBlockingLane, RefusesAForkAndLeavesTheParentItsConnections) {
    begin(2);
    ASSERT_TRUE(answers());
    const auto child = ::fork();
    if (child == 0) {
        const auto reply = redis->execute(command("PING"), {owner, in(5s)});
        const bool is_refused = !reply && reply.error().code == redis_errc::not_allowed;
        redis.reset();
        ::_exit(is_refused ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_TRUE(answers());
    EXPECT_EQ(redis->stats().opened, 1U);
}

// Between a client and its server: each chunk of replies comes late, or not until it is let go.
class distance {
public:
    explicit distance(const private_redis& server)
        : near_path_(server.unix_path()), path_(server.unix_path() + ".far") {
        listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto address = address_of(path_);
        EXPECT_EQ(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        EXPECT_EQ(::listen(listening_, 1), 0);
        thread_ = std::jthread([this](const std::stop_token& stop) { carry(stop); });
    }
    ~distance() {
        thread_.request_stop();
        thread_.join();
        ::close(listening_);
        ::unlink(path_.c_str());
    }
    distance(const distance&) = delete;
    distance& operator=(const distance&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    std::atomic<bool> holds_replies = false;
    std::atomic<std::size_t> bytes_asked = 0;

private:
    static sockaddr_un address_of(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        return address;
    }
    void carry(const std::stop_token& stop) {
        const int client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto address = address_of(near_path_);
        (void)::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        char buffer[4096];
        while (!stop.stop_requested()) {
            pollfd both[] = {{client, POLLIN, 0},
                             {server, static_cast<short>(holds_replies ? 0 : POLLIN), 0}};
            (void)::poll(both, 2, 5);  // 5 ms late at most: the client's round trip
            if (both[0].revents != 0) {
                const auto n = ::read(client, buffer, sizeof buffer);
                if (n <= 0) break;
                bytes_asked += static_cast<std::size_t>(n);
                (void)!::write(server, buffer, static_cast<std::size_t>(n));
            }
            if ((both[1].revents & POLLIN) != 0) {
                (void)::poll(nullptr, 0, 3);  // the way takes its time
                const auto n = ::read(server, buffer, sizeof buffer);
                if (n <= 0) break;
                (void)!::write(client, buffer, static_cast<std::size_t>(n));
            }
        }
        ::close(client);
        ::close(server);
    }

    std::string near_path_;
    std::string path_;
    int listening_ = -1;
    std::jthread thread_;
};

TEST_F(RedisBlockingLane, WritesAtOnceToAServerThatIsFarAway) {
    distance far_off(server);
    auto options = options_for(server, 1);
    options.server.unix_path = far_off.path();
    redis.emplace(options);
    owner = redis->owner("test");
    ASSERT_TRUE(answers());
    far_off.holds_replies = true;
    auto ann = echo("ann");
    EXPECT_TRUE(are_outstanding(1));
    const auto asked = far_off.bytes_asked.load();
    auto bob = echo("bob");
    // No reply has come, and yet the second command is on its way.
    EXPECT_TRUE(becomes_true([&] { return far_off.bytes_asked > asked; }));
    EXPECT_TRUE(are_outstanding(2));
    far_off.holds_replies = false;
    EXPECT_EQ(ann.get()->text, "ann");
    EXPECT_EQ(bob.get()->text, "bob");
    redis.reset();
}

TEST_F(RedisBlockingLane, GivesUpAConnectionThatIsSilentForTooLong) {
    distance far_off(server);
    auto options = options_for(server, 1);
    options.server.unix_path = far_off.path();
    options.silence_max = 50ms;
    redis.emplace(options);
    owner = redis->owner("test");
    ASSERT_TRUE(answers());
    far_off.holds_replies = true;
    auto ann = echo("ann");  // who would wait for long
    EXPECT_TRUE(are_outstanding(1));
    const auto asked = far_off.bytes_asked.load();
    auto bob = echo("bob", 200ms);
    EXPECT_TRUE(becomes_true([&] { return far_off.bytes_asked > asked; }));
    EXPECT_EQ(bob.get().error().code, redis_errc::unknown);
    const auto lost = ann.get();
    ASSERT_FALSE(lost.has_value());
    EXPECT_EQ(lost.error().code, redis_errc::unknown);
    EXPECT_THAT(lost.error().detail, testing::HasSubstr("has not answered anything for too long"));
    redis.reset();
}

}  // namespace
}  // namespace headroom::redis
