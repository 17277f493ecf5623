// SPDX-License-Identifier: Apache-2.0
#include "pool/blocking_pool.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "socket_connector.hpp"

namespace headroom::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

deadline in(clock::duration from_now) {
    return clock::now() + from_now;
}

class connector_to final : public blocking_connector {
public:
    explicit connector_to(test::socket_server& server) : server_(server) {}
    result<std::unique_ptr<blocking_connection>> open(deadline) override {
        ++opens;
        while (slow)
            std::this_thread::yield();
        if (failing)
            return failure(std::make_error_code(std::errc::connection_refused),
                           "the test's server");
        return std::make_unique<test::socket_connection<blocking_connection>>(server_.connect());
    }
    open_failure classify(const error&) const noexcept override { return open_failure::transient; }

    std::atomic<bool> failing = false;
    std::atomic<bool> slow = false;
    std::atomic<int> opens = 0;

private:
    test::socket_server& server_;
};

class BlockingPool : public testing::Test {
protected:
    BlockingPool()
        : reaper_([this](const std::stop_token& stop) {
              while (!stop.stop_requested()) {
                  server.reap();
                  std::this_thread::yield();
              }
          }) {}

    static blocking_pool_options of(std::uint32_t cap) {
        blocking_pool_options options{.kind = "sync", .bounds = {}};
        options.bounds.cap = cap;
        options.bounds.close_grace = milliseconds(500);
        return options;
    }

    test::socket_server server;
    connector_to opener{server};

private:
    std::jthread reaper_;
};

TEST_F(BlockingPool, OpensNothingUntilTheFirstAcquire) {
    blocking_pool pool(of(2), opener);
    EXPECT_EQ(opener.opens, 0);
    auto held = pool.acquire(pool.owner("clock"), in(seconds(5)));
    ASSERT_TRUE(held.has_value());
    held->mark_reusable();
    held->give_back();
    EXPECT_EQ(pool.stats().idle, 1);
    EXPECT_EQ(opener.opens, 1);
}

TEST_F(BlockingPool, NeverPassesItsCapAsTheServerCounts) {
    blocking_pool pool(of(3), opener);
    const auto clock_bundle = pool.owner("bundle:clock");
    std::atomic<int> served = 0;
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < 12; ++i) {
            threads.emplace_back([&, i] {
                std::mt19937 random(i);
                for (int turn = 0; turn < 100; ++turn) {
                    auto held = pool.acquire(clock_bundle, in(seconds(20)));
                    if (!held) continue;
                    ++served;
                    if (random() % 8 != 0) held->mark_reusable();
                }
            });
        }
    }
    EXPECT_EQ(served, 1'200);
    EXPECT_LE(server.most(), 3U);
    EXPECT_EQ(pool.stats().leased, 0);
    EXPECT_TRUE(pool.drain(in(seconds(5))).has_value());
}

TEST_F(BlockingPool, RefillsItsFloorWhileNobodyAsks) {
    auto options = of(2);
    options.bounds.floor = 1;
    options.bounds.peek_interval = milliseconds(10);
    blocking_pool pool(options, opener);
    const auto becomes_idle_as = [&](std::size_t accepted) {
        const auto by = in(seconds(5));
        while (clock::now() < by) {
            if (server.accepted() == accepted && pool.stats().idle == 1) return true;
            std::this_thread::yield();
        }
        return false;
    };
    EXPECT_TRUE(becomes_idle_as(1));
    server.close_all();
    EXPECT_TRUE(becomes_idle_as(2));
    EXPECT_EQ(pool.stats().acquires, 0U);
}

TEST_F(BlockingPool, HonoursADeadlineWhileItsWorkerOpens) {
    blocking_pool pool(of(1), opener);
    opener.slow = true;
    const auto began = clock::now();
    const auto held = pool.acquire(pool.owner("clock"), in(milliseconds(20)));
    EXPECT_FALSE(held.has_value());
    EXPECT_EQ(held.error().code, pool_errc::timeout);
    EXPECT_LT(clock::now() - began, seconds(2));
    opener.slow = false;
}

TEST_F(BlockingPool, TellsThatTheServerIsAway) {
    blocking_pool pool(of(1), opener);
    opener.failing = true;
    const auto held = pool.acquire(pool.owner("clock"), in(milliseconds(50)));
    ASSERT_FALSE(held.has_value());
    EXPECT_EQ(held.error().code, pool_errc::open_failed);
    opener.failing = false;
    EXPECT_TRUE(pool.acquire(pool.owner("clock"), in(seconds(5))).has_value());
}

TEST_F(BlockingPool, RefusesThreadsThatWaitWhenItDrains) {
    blocking_pool pool(of(1), opener);
    auto held = pool.acquire(pool.owner("clock"), in(seconds(5)));
    ASSERT_TRUE(held.has_value());
    std::optional<error> why;
    std::jthread waiting([&] {
        auto got = pool.acquire(pool.owner("clock"), in(seconds(20)));
        if (!got) why = got.error();
    });
    while (pool.stats().waiting == 0)
        std::this_thread::yield();
    std::jthread draining([&] { EXPECT_TRUE(pool.drain(in(seconds(5))).has_value()); });
    waiting.join();
    EXPECT_EQ(why->code, pool_errc::closed);
    held->give_back();
    draining.join();
    EXPECT_EQ(pool.stats().size(), 0);
}

TEST_F(BlockingPool, TakesAnIdleConnectionOrNoneWithoutWaiting) {
    blocking_pool pool(of(2), opener);
    const auto owner = pool.owner("clock");
    EXPECT_FALSE(pool.try_acquire(owner).has_value());
    pool.open_ahead();
    const auto by = in(seconds(5));
    std::optional<blocking_lease> held;
    while (!held && clock::now() < by)
        held = pool.try_acquire(owner);
    ASSERT_TRUE(held.has_value());
    held->mark_reusable();
    held.reset();
    EXPECT_EQ(pool.stats().idle, 1);
    EXPECT_EQ(pool.stats().granted, 1U);
    EXPECT_EQ(opener.opens, 1);
}

TEST_F(BlockingPool, ServesThreadsInTheOrderInWhichTheyQueued) {
    blocking_pool pool(of(1), opener);
    const auto owner = pool.owner("clock");
    auto held = pool.acquire(owner, in(seconds(5)));
    ASSERT_TRUE(held.has_value());
    EXPECT_FALSE(pool.has_waiters());
    std::mutex mutex;
    std::vector<int> served;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 5; ++i) {
        threads.emplace_back([&, i] {
            auto mine = pool.acquire(owner, in(seconds(20)));
            const std::lock_guard lock(mutex);
            served.push_back(i);
            if (mine) mine->mark_reusable();
        });
        const auto queued = static_cast<std::uint32_t>(i + 1);
        while (pool.stats().waiting < queued)
            std::this_thread::yield();
    }
    EXPECT_TRUE(pool.has_waiters());
    held->mark_reusable();
    held->give_back();
    threads.clear();
    EXPECT_EQ(served, (std::vector{0, 1, 2, 3, 4}));
    EXPECT_FALSE(pool.has_waiters());
}

TEST_F(BlockingPool, TimesSomeOfTheUses) {
    blocking_pool pool(of(1), opener);
    const auto owner = pool.owner("clock");
    for (int i = 0; i < 640; ++i) {
        auto held = pool.acquire(owner, in(seconds(5)));
        ASSERT_TRUE(held.has_value());
        held->mark_reusable();
    }
    std::uint64_t timed = 0;
    for (const auto each : pool.stats().uses)
        timed += each;
    EXPECT_EQ(timed, 10U);
}

}  // namespace
}  // namespace headroom::pool
