// SPDX-License-Identifier: Apache-2.0
#include "pool/async_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <random>

#include "net/deadline.hpp"
#include "net/task_group.hpp"
#include "socket_connector.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::pool {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::in;
using test::wait_until;

class connector_to final : public connector {
public:
    explicit connector_to(test::socket_server& server) : server_(server) {}
    asio::awaitable<result<std::unique_ptr<connection>>> open(deadline) override {
        ++opens;
        co_await net::sleep_until(in(delay));
        if (failing)
            co_return failure(std::make_error_code(std::errc::connection_refused),
                              "the test's server");
        co_return std::make_unique<test::socket_connection<connection>>(server_.connect());
    }
    open_failure classify(const error&) const noexcept override { return kind; }

    bool failing = false;
    open_failure kind = open_failure::transient;
    milliseconds delay{0};
    int opens = 0;

private:
    test::socket_server& server_;
};

// A pool on a loop whose server lets go of closed connections at once.
// Public: the tests' coroutines are functions beside it.
class AsyncPool : public testing::Test {
public:
    async_pool& make(limits bounds) {
        bounds.close_grace = milliseconds(200);
        pool_.emplace(loop.get_executor(), async_pool_options{.kind = "async", .bounds = bounds},
                      opener);
        relay = pool_->owner("relay");
        return *pool_;
    }
    static limits of(std::uint32_t cap) {
        limits l;
        l.cap = cap;
        return l;
    }
    // Runs a test's coroutine beside the server, then drains.
    void run(asio::awaitable<void> body) {
        test::run_on(loop, with_server(std::move(body)));
        pool_.reset();
    }
    asio::awaitable<void> with_server(asio::awaitable<void> body) {
        net::task_group tasks(loop.get_executor());
        tasks.spawn("server", serve());
        co_await std::move(body);
        const auto drained = co_await pool_->drain(in(seconds(2)));
        EXPECT_TRUE(drained.has_value()) << drained.error().what();
        EXPECT_EQ(server.reap(), 0U);
        serving = false;
        EXPECT_TRUE(co_await tasks.join(in(seconds(5))));
    }
    asio::awaitable<void> serve() {
        while (serving) {
            if (lets_go) server.reap();
            co_await net::sleep_until(in(milliseconds(1)));
        }
    }

    asio::io_context loop{1};
    test::socket_server server;
    connector_to opener{server};
    bool serving = true;
    bool lets_go = true;
    std::optional<async_pool> pool_;
    owner_id relay{};
};

asio::awaitable<void> take_and_return(async_pool& pool, owner_id owner) {
    auto held = co_await pool.acquire(owner, in(seconds(5)));
    EXPECT_TRUE(held.has_value());
    if (held) held->mark_reusable();
}

TEST_F(AsyncPool, OpensNothingUntilTheFirstAcquire) {
    auto& pool = make(of(3));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        co_await net::sleep_until(in(milliseconds(5)));
        EXPECT_EQ(self->opener.opens, 0);
        co_await take_and_return(from, self->relay);
        EXPECT_EQ(self->opener.opens, 1);
        EXPECT_EQ(from.stats().idle, 1);
    }(this, pool));
}

TEST_F(AsyncPool, NeverPassesItsCapAsTheServerCounts) {
    auto& pool = make(of(3));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        net::task_group callers(self->loop.get_executor());
        for (int i = 0; i < 50; ++i)
            callers.spawn("caller", take_and_return(from, self->relay));
        EXPECT_TRUE(co_await callers.join(in(seconds(5))));
        EXPECT_EQ(from.stats().granted, 50);
        EXPECT_LE(self->server.most(), 3U);
    }(this, pool));
}

TEST_F(AsyncPool, WaitsForTheServerToLetGoBeforeItDialsAtTheCap) {
    auto& pool = make(of(1));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        for (int i = 0; i < 20; ++i) {
            auto held =
                co_await from.acquire(self->relay, in(seconds(5)));  // never proven reusable
            EXPECT_TRUE(held.has_value());
        }
        EXPECT_EQ(self->server.accepted(), 20U);
        EXPECT_EQ(self->server.most(), 1U);
    }(this, pool));
}

TEST_F(AsyncPool, GivesUpASlotWhoseServerNeverLetsGo) {
    auto& pool = make(of(1));
    lets_go = false;
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        {
            auto held = co_await from.acquire(self->relay, in(seconds(5)));
        }
        const auto again = co_await from.acquire(self->relay, in(seconds(5)));
        EXPECT_TRUE(again.has_value());
        EXPECT_EQ(from.stats().abandoned, 1);
        self->lets_go = true;
    }(this, pool));
}

TEST_F(AsyncPool, TellsADeadlineFromAServerThatIsAway) {
    auto& pool = make(of(1));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        self->opener.failing = true;
        const auto away = co_await from.acquire(self->relay, in(milliseconds(30)));
        EXPECT_EQ(away.error().code, pool_errc::open_failed);
        EXPECT_NE(away.error().detail.find("the test's server"), std::string::npos)
            << away.error().detail;

        self->opener.failing = false;
        auto held = co_await from.acquire(self->relay, in(seconds(5)));
        EXPECT_TRUE(held.has_value());
        const auto busy = co_await from.acquire(self->relay, in(milliseconds(10)));
        EXPECT_EQ(busy.error().code, pool_errc::timeout);
        EXPECT_NE(busy.error().detail.find("relay 1"), std::string::npos) << busy.error().detail;
    }(this, pool));
}

TEST_F(AsyncPool, FinishesAnOpenThatOutlivesItsCaller) {
    auto& pool = make(of(1));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        self->opener.delay = milliseconds(40);
        const auto impatient = co_await from.acquire(self->relay, in(milliseconds(5)));
        EXPECT_FALSE(impatient.has_value());
        EXPECT_TRUE(
            co_await wait_until([&from] { return from.stats().idle == 1; }, in(seconds(5))));
        EXPECT_EQ(self->opener.opens, 1);
    }(this, pool));
}

TEST_F(AsyncPool, SkipsAnIdleConnectionTheServerHasClosed) {
    auto& pool = make(of(2));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        co_await take_and_return(from, self->relay);
        self->server.close_all();
        co_await take_and_return(from, self->relay);
        EXPECT_EQ(self->opener.opens, 2);
        EXPECT_EQ(from.stats().closed[static_cast<std::size_t>(close_reason::went_away)], 1);
    }(this, pool));
}

TEST_F(AsyncPool, RefillsItsFloorWhileNobodyAsks) {
    auto bounds = of(3);
    bounds.floor = 2;
    bounds.peek_interval = milliseconds(10);
    auto& pool = make(bounds);
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        EXPECT_TRUE(
            co_await wait_until([&from] { return from.stats().idle == 2; }, in(seconds(5))));
        self->server.close_all();
        const auto is_refilled = [self, &from] {
            return self->server.accepted() == 4 && from.stats().idle == 2;
        };
        EXPECT_TRUE(co_await wait_until(is_refilled, in(seconds(5))));
        EXPECT_EQ(from.stats().acquires, 0U);
    }(this, pool));
}

TEST_F(AsyncPool, CutsALeaseThatOutlivesTheDrain) {
    auto& pool = make(of(1));
    test::run_on(loop, [](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        net::task_group tasks(self->loop.get_executor());
        tasks.spawn("server", self->serve());
        auto held = co_await from.acquire(self->relay, in(seconds(5)));
        const auto drained = co_await from.drain(in(milliseconds(10)));
        EXPECT_FALSE(drained.has_value());
        EXPECT_FALSE(held->as<connection>().is_alive());
        held = lease{};
        EXPECT_TRUE(
            co_await wait_until([self] { return self->server.reap() == 0; }, in(seconds(5))));
        EXPECT_TRUE((co_await from.drain(in(milliseconds(10)))).has_value());
        self->serving = false;
        EXPECT_TRUE(co_await tasks.join(in(seconds(5))));
    }(this, pool));
    pool_.reset();
}

TEST_F(AsyncPool, TellsHoldersOfSurplusConnectionsThatSomebodyWaits) {
    auto& pool = make(of(1));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        auto surplus = co_await from.acquire(self->relay, in(seconds(5)));
        from.on_pressure([&surplus] {
            surplus->mark_reusable();
            surplus->give_back();
        });
        const auto got = co_await from.acquire(self->relay, in(seconds(5)));
        EXPECT_TRUE(got.has_value());
        from.on_pressure(nullptr);
    }(this, pool));
}

// One caller in a storm: takes, waits a little, returns or breaks; is cancelled at a random moment.
asio::awaitable<void> storm_caller(async_pool& pool, owner_id owner, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20; ++i) {
        auto held = co_await pool.acquire(owner, in(milliseconds(1 + random() % 30)));
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) co_return;
        if (!held) continue;
        co_await net::sleep_until(in(std::chrono::microseconds(random() % 500)));
        if (random() % 4 != 0) held->mark_reusable();
    }
}

TEST_F(AsyncPool, LosesNothingInAStormOfCancelsBreakagesAndFailures) {
    auto& pool = make(of(4));
    run([](AsyncPool* self, async_pool& from) -> asio::awaitable<void> {
        std::mt19937_64 random(7);
        for (int round = 0; round < 10; ++round) {
            net::task_group callers(self->loop.get_executor());
            for (int i = 0; i < 40; ++i)
                callers.spawn("caller", storm_caller(from, self->relay, random()));
            self->opener.failing = round % 3 == 1;
            co_await net::sleep_until(in(milliseconds(5)));
            self->opener.failing = false;
            callers.request_stop();
            EXPECT_TRUE(co_await callers.join(in(seconds(10))));
        }
        const auto& now = from.stats();
        EXPECT_EQ(now.leased, 0);
        EXPECT_EQ(now.waiting, 0);
        std::uint64_t ended = now.granted;
        for (const auto each : now.refused)
            ended += each;
        EXPECT_EQ(now.acquires, ended);
        EXPECT_GT(now.refused[static_cast<std::size_t>(refusal::cancelled)], 0);
        EXPECT_LE(self->server.most(), 4U);
        co_await take_and_return(from, self->relay);
    }(this, pool));
}

}  // namespace
}  // namespace headroom::pool
