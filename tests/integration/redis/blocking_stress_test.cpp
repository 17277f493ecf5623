// SPDX-License-Identifier: Apache-2.0
// Many threads, short deadlines and a server that keeps hanging up: no reply may ever reach another
// caller than its own, and nothing may be left over.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "redis/blocking_client.hpp"
#include "support/private_redis.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using test::private_redis;

constexpr int callers = 64;
constexpr auto duration = 3s;
constexpr std::uint32_t cap = 8;

struct tally {
    std::atomic<std::uint64_t> answered{0};
    std::atomic<std::uint64_t> unknown{0};
    std::atomic<std::uint64_t> not_sent{0};
    std::atomic<std::uint64_t> other{0};
    std::atomic<std::uint64_t> mismatched{0};
    std::atomic<std::uint64_t> late{0};

    void note_failure(const error& why) {
        if (why.code == redis_errc::unknown) {
            ++unknown;
        } else if (why.code == redis_errc::not_sent) {
            ++not_sent;
        } else {
            ++other;
        }
    }
};

class stressed {
public:
    explicit stressed(const private_redis& server) : redis_(options_for(server)) {}

    void run_caller(unsigned number, deadline until) {
        std::mt19937 random(number);
        const auto owner = redis_.owner("caller");
        for (std::uint64_t i = 0; clock::now() < until; ++i) {
            const auto token = std::to_string(number) + ":" + std::to_string(i);
            // Most have time; the others give up queued, written or half read.
            const auto patience = random() % 4 == 0
                                      ? clock::duration(std::chrono::microseconds(random() % 2000))
                                      : clock::duration(10s);
            const auto by = clock::now() + patience;
            const pool::call how{owner, by};
            switch (random() % 16) {
                case 0:
                    pipeline(token, 2 + random() % 5, how);
                    break;
                case 1:
                    pipeline(token, 70, how);  // on a lease
                    break;
                case 2:
                    pop(how);
                    break;
                default:
                    echo(token + std::string(random() % 8 == 0 ? 5000 : 0, 'x'), how);
            }
            if (clock::now() > by + 2s) ++tally_.late;
        }
    }

    blocking_client& client() { return redis_; }
    tally& counted() { return tally_; }

private:
    static client_options options_for(const private_redis& server) {
        client_options options;
        options.server.unix_path = server.unix_path();
        options.identity = {"stress", "host-1", 42};
        options.kind = pool_kind::sync;
        options.bounds.cap = cap;
        options.bounds.backoff_first = 1ms;
        options.bounds.backoff_max = 20ms;
        return options;
    }

    void echo(const std::string& token, pool::call how) {
        const auto reply = redis_.execute(command("ECHO", token), how);
        if (!reply) return tally_.note_failure(reply.error());
        ++(reply->text == token ? tally_.answered : tally_.mismatched);
    }
    void pipeline(const std::string& token, std::size_t size, pool::call how) {
        std::vector<command> all;
        for (std::size_t i = 0; i < size; ++i)
            all.emplace_back("ECHO", token + "/" + std::to_string(i));
        const auto replies = redis_.pipeline(all, how);
        if (!replies) return tally_.note_failure(replies.error());
        for (std::size_t i = 0; i < size; ++i) {
            const bool is_mine = (*replies)[i].text == token + "/" + std::to_string(i);
            ++(is_mine ? tally_.answered : tally_.mismatched);
        }
    }
    void pop(pool::call how) {
        const auto reply = redis_.execute(command("BLPOP", "nothing", "0.002"), how);
        if (!reply) return tally_.note_failure(reply.error());
        ++(reply->is_null() ? tally_.answered : tally_.mismatched);
    }

    blocking_client redis_;
    tally tally_;
};

TEST(RedisBlockingStress, GivesNoReplyToAnotherCallerWhileConnectionsAreKilled) {
    private_redis server;
    stressed world(server);
    const auto until = clock::now() + duration;
    std::size_t most = 0;
    std::uint64_t kills = 0;
    {
        std::vector<std::jthread> threads;
        for (unsigned t = 0; t < callers; ++t)
            threads.emplace_back([&world, t, until] { world.run_caller(t, until); });
        auto next_kill = clock::now();
        while (clock::now() < until) {
            next_kill += 20ms;
            std::this_thread::sleep_until(next_kill);
            most = std::max(most, server.client_names().size());
            (void)server.ask("CLIENT KILL TYPE normal");
            ++kills;
        }
    }
    const auto& counted = world.counted();
    std::printf("answered %lu, unknown %lu, not sent %lu, kills %lu, abandoned %lu, lost %lu\n",
                counted.answered.load(), counted.unknown.load(), counted.not_sent.load(), kills,
                world.client().traffic().abandoned, world.client().lane().reconnects);
    EXPECT_EQ(counted.mismatched, 0U);
    EXPECT_EQ(counted.late, 0U);
    EXPECT_EQ(counted.other, 0U);
    EXPECT_GT(counted.answered, 1000U);
    EXPECT_GT(counted.unknown, 0U);
    EXPECT_GT(counted.not_sent, 0U);
    EXPECT_LE(most, std::size_t{cap});

    // It recovers, and leaves nothing.
    auto& redis = world.client();
    const auto owner = redis.owner("caller");
    EXPECT_TRUE(redis.execute(command("PING"), {owner, clock::now() + 10s}).has_value());
    EXPECT_EQ(redis.lane().connections, 0U);
    EXPECT_EQ(redis.lane().outstanding, 0U);
    EXPECT_EQ(redis.stats().leased, 0U);
    EXPECT_EQ(redis.stats().waiting, 0U);
    EXPECT_TRUE(redis.close(clock::now() + 10s).has_value());
    EXPECT_TRUE(server.client_names().empty());
}

}  // namespace
}  // namespace headroom::redis
