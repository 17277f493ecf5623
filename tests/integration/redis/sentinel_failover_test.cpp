// SPDX-License-Identifier: Apache-2.0
// Clients that follow a failover of real sentinels. What is promised: a write that was reported ok
// and that every replica of its primary had acknowledged (WAIT) is on the new primary. Replication
// is asynchronous, so a write reported ok without that may be lost by design; those are counted.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <functional>

#include "redis/subscriber.hpp"
#include "sentinel_fixture.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using test::sentinel_world;
using test::wait_until;

// What a writer of numbered tokens was told.
struct written {
    std::vector<int> confirmed;    // ok, and all replicas had it
    std::vector<int> unconfirmed;  // ok, but not all replicas said so in time
    std::size_t failed = 0;
    std::string last_error;
    clock::time_point last_good{};
    clock::duration longest_gap{};  // between two good writes
};

// One token each few milliseconds until told to stop; `replicas` had to acknowledge it.
asio::awaitable<void> write_tokens(client& redis, pool::owner_id owner, const int& replicas,
                                   const bool& stop, written& to) {
    to.last_good = clock::now();
    int token = -1;
    while (!stop) {
        ++token;
        auto held = co_await redis.lease({owner, in(300ms)});
        bool is_good = false;
        if (held) {
            std::vector<command> both;
            both.emplace_back("SET", "token:" + std::to_string(token), token);
            both.emplace_back("WAIT", replicas, 100);
            auto replies = co_await held->pipeline(std::move(both), in(300ms));
            is_good = replies && replies->at(0).text == "OK";
            if (is_good) {
                const bool is_safe = replies->at(1).integer >= replicas;
                (is_safe ? to.confirmed : to.unconfirmed).push_back(token);
                to.longest_gap = std::max(to.longest_gap, clock::now() - to.last_good);
                to.last_good = clock::now();
            } else {
                to.last_error = replies ? replies->at(0).text : replies.error().what();
            }
        } else {
            to.last_error = held.error().what();
        }
        if (!is_good) ++to.failed;
        co_await net::sleep_until(in(3ms));
    }
}

struct failover_figures {
    written tokens;
    std::size_t lost_confirmed = 0;
    std::size_t lost_unconfirmed = 0;
    std::size_t gaps = 0;
    std::size_t restores = 0;
};

// Writes before, during and after what `strike` does to the primary, and judges.
failover_figures follow_failover(sentinel_world& world,
                                 std::function<void(test::private_redis&)> strike,
                                 std::function<void(test::private_redis&)> before_judging = {}) {
    failover_figures figures;
    worker w(endpoint_of(world));
    subscriber listening(*w.async, "relay",
                         {.on_message = {},
                          .on_gap = [&](const error&) { ++figures.gaps; },
                          .on_restored = [&] { ++figures.restores; }});
    run_on(w.loop, use_all(w));
    use_threads(w);
    EXPECT_TRUE(run_on(w.loop, listening.subscribe("news", in(5s))).has_value());
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 1) << "one for the process, not for each pool";

    const auto old_port = world.primary_port();
    auto& old_primary = world.server_at(old_port);
    bool stop = false;
    bool has_ended = false;
    int replicas = 2;
    asio::co_spawn(w.loop, write_tokens(*w.async, w.owner, replicas, stop, figures.tokens),
                   [&](std::exception_ptr thrown) {
                       EXPECT_FALSE(thrown);
                       has_ended = true;
                   });
    const auto& ok = figures.tokens.confirmed;
    EXPECT_TRUE(run_on(w.loop, wait_until([&] { return ok.size() >= 50; }, in(20s))));
    EXPECT_TRUE(figures.tokens.unconfirmed.empty());
    strike(old_primary);
    EXPECT_TRUE(run_on(w.loop, wait_until([&] { return w.locator->stats().moves == 1; }, in(30s))));
    const auto told_at = clock::now();
    replicas = 1;  // one server of three is the primary, one is gone or has just been demoted
    const auto so_far = ok.size() + figures.tokens.unconfirmed.size();
    EXPECT_TRUE(run_on(
        w.loop,
        wait_until([&] { return ok.size() + figures.tokens.unconfirmed.size() >= so_far + 50; },
                   in(20s))));
    const auto after_move = clock::now() - told_at;
    stop = true;
    EXPECT_TRUE(run_on(w.loop, wait_until([&] { return has_ended; }, in(10s))));
    EXPECT_TRUE(run_on(w.loop, wait_until([&] { return figures.restores == 1; }, in(10s))));
    run_on(w.loop, use_all(w));
    use_threads(w);

    const auto new_port = w.locator->stats().primary->port;
    EXPECT_NE(new_port, old_port);
    auto& new_primary = world.server_at(new_port);
    for (const auto token : figures.tokens.confirmed) {
        if (!new_primary.ask("EXISTS token:" + std::to_string(token)).starts_with(":1"))
            ++figures.lost_confirmed;
    }
    for (const auto token : figures.tokens.unconfirmed) {
        if (!new_primary.ask("EXISTS token:" + std::to_string(token)).starts_with(":1"))
            ++figures.lost_unconfirmed;
    }
    const auto seconds = [](clock::duration d) { return std::chrono::duration<double>(d).count(); };
    std::printf(
        "failover: %.2f s without a good write (50 more %.2f s after the sentinel's word); "
        "%zu writes confirmed by all replicas, lost %zu; %zu ok but unconfirmed, lost %zu; %zu "
        "reported as failed; gaps %zu\n",
        seconds(figures.tokens.longest_gap), seconds(after_move), figures.tokens.confirmed.size(),
        figures.lost_confirmed, figures.tokens.unconfirmed.size(), figures.lost_unconfirmed,
        figures.tokens.failed, figures.gaps);

    EXPECT_EQ(figures.lost_confirmed, 0);
    EXPECT_EQ(w.locator->stats().moves, 1);
    EXPECT_EQ(figures.gaps, 1);
    EXPECT_EQ(figures.restores, 1);
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 1);
    EXPECT_GE(sentinel_world::count_on(new_primary, own_names), 4);
    if (before_judging) before_judging(old_primary);
    // A dial that a suspended server accepts when it comes back ends at once.
    EXPECT_TRUE(run_on(
        w.loop,
        wait_until([&] { return sentinel_world::count_on(old_primary, own_names) == 0; }, in(5s))));

    run_on(w.loop, listening.stop(in(5s)));
    return figures;
}

TEST(SentinelFailover, FollowsThePrimaryThatReplacesAKilledOne) {
    sentinel_world world;
    (void)follow_failover(world, [](test::private_redis& primary) { primary.kill(); });
}

TEST(SentinelFailover, FollowsAGracefulFailover) {
    sentinel_world world;
    (void)follow_failover(world, [&](test::private_redis&) {
        EXPECT_TRUE(world.sentinel(0).ask("SENTINEL FAILOVER shop").starts_with("+OK"));
    });
}

TEST(SentinelFailover, LeavesASuspendedPrimaryThatComesBack) {
    sentinel_world world;
    (void)follow_failover(
        world, [](test::private_redis& primary) { primary.suspend(); },
        [](test::private_redis& primary) { primary.resume(); });
}

// A demoted primary answers :0 to PUBLISH and says nothing else.
TEST(SentinelFailover, PublishesToTheSubscribersOfTheNewPrimaryOnceTheSwitchIsAnnounced) {
    sentinel_world world;
    worker w(endpoint_of(world));
    std::size_t heard = 0;
    subscriber listening(*w.async, "relay",
                         {.on_message = [&](std::string_view, std::string_view) { ++heard; },
                          .on_gap = {},
                          .on_restored = {}});
    ASSERT_TRUE(run_on(w.loop, listening.subscribe("news", in(5s))).has_value());
    const auto old_port = world.primary_port();
    ASSERT_TRUE(world.sentinel(1).ask("SENTINEL FAILOVER shop").starts_with("+OK"));
    ASSERT_TRUE(run_on(w.loop, wait_until([&] { return w.locator->stats().moves == 1; }, in(20s))));
    ASSERT_TRUE(run_on(w.loop, listening.restore(in(5s))).has_value());
    const auto published =
        run_on(w.loop, w.async->execute(command("PUBLISH", "news", "x"), {w.owner, in(5s)}));
    ASSERT_TRUE(published.has_value()) << published.error().what();
    EXPECT_EQ(published->integer, 1);
    EXPECT_TRUE(run_on(w.loop, wait_until([&] { return heard == 1; }, in(5s))));
    EXPECT_EQ(sentinel_world::count_on(world.server_at(old_port), own_names), 0);
    run_on(w.loop, listening.stop(in(5s)));
}

}  // namespace
}  // namespace headroom::redis
