// SPDX-License-Identifier: Apache-2.0
// Clients that follow a failover of real sentinels. What is promised: a write that was reported ok
// and that every replica of its primary had acknowledged (WAIT) is on the new primary. Replication
// is asynchronous, so a write reported ok without that may be lost by design; those are counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/sentinel_inquiry.hpp"
#include "redis/sentinel_locator.hpp"
#include "redis/subscriber.hpp"
#include "support/private_sentinels.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using test::sentinel_world;
using test::wait_until;
using testing::HasSubstr;

constexpr std::string_view own_names = "chat:host-1:42:";

endpoint endpoint_of(std::vector<std::uint16_t> sentinel_ports, std::string password = {}) {
    endpoint where;
    where.sentinel = sentinel_options{.primary_name = "shop", .password = std::move(password)};
    for (const auto port : sentinel_ports)
        where.sentinel->sentinels.push_back({"127.0.0.1", port});
    return where;
}

endpoint endpoint_of(sentinel_world& world, std::string password = {}) {
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < world.sentinel_count(); ++i)
        ports.push_back(world.sentinel(i).port());
    return endpoint_of(ports, std::move(password));
}

client_options options_for(const endpoint& where, std::string_view kind = pool_kind::async) {
    client_options options;
    options.server = where;
    options.identity = {"chat", "host-1", 42};
    options.kind = kind;
    options.bounds.cap = 4;
    options.bounds.backoff_max = 500ms;
    return options;
}

// The three pools and the locator of a worker, on a loop of its own.
struct worker {
    explicit worker(const endpoint& where)
        : locator(std::make_shared<sentinel_locator>(
              loop.get_executor(), sentinel_locator_options{.where = *where.sentinel,
                                                            .identity = {"chat", "host-1", 42}})) {
        auto bytes = options_for(where);
        bytes.locator = locator;
        bytes.has_subscriber = true;
        auto text = options_for(where, pool_kind::async_decode);
        text.locator = locator;
        text.form = reply_form::text;
        auto threads = options_for(where, pool_kind::sync);
        threads.locator = locator;
        async = std::make_unique<client>(loop.get_executor(), bytes);
        async_decode = std::make_unique<client>(loop.get_executor(), text);
        sync = std::make_unique<blocking_client>(threads);
        owner = async->owner("test");
        decode_owner = async_decode->owner("test");
        sync_owner = sync->owner("test");
    }
    ~worker() {
        EXPECT_TRUE(run_on(loop, async->close(in(5s))).has_value());
        EXPECT_TRUE(run_on(loop, async_decode->close(in(5s))).has_value());
        run_on(loop, locator->stop(in(5s)));
        EXPECT_TRUE(sync->close(in(5s)).has_value());
    }

    asio::io_context loop{1};
    std::shared_ptr<sentinel_locator> locator;
    std::unique_ptr<client> async;
    std::unique_ptr<client> async_decode;
    std::unique_ptr<blocking_client> sync;
    pool::owner_id owner{};
    pool::owner_id decode_owner{};
    pool::owner_id sync_owner{};
};

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
    for (int token = 0; !stop; ++token) {
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

// Every pool has a connection, and the subscriber has its channel.
asio::awaitable<void> use_all(worker& w) {
    const auto set = co_await w.async->execute(command("SET", "k", "v"), {w.owner, in(5s)});
    EXPECT_TRUE(set.has_value()) << set.error().what();
    const auto got =
        co_await w.async_decode->execute(command("GET", "k"), {w.decode_owner, in(5s)});
    EXPECT_TRUE(got.has_value()) << got.error().what();
}

// As use_all(), from a thread, while the loop runs.
void use_threads(worker& w) {
    std::optional<result<value>> got;
    std::thread thread([&] {
        got = w.sync->execute(command("PING"), {w.sync_owner, in(5s)});
        asio::post(w.loop, [] {});
    });
    (void)run_on(w.loop, wait_until([&] { return got.has_value(); }, in(10s)));
    thread.join();
    ASSERT_TRUE(got && *got) << (got ? got->error().what() : "no answer");
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

TEST(Sentinel, MovesToAnotherSentinelWhenItsOwnDies) {
    sentinel_world world;
    worker w(endpoint_of(world));
    run_on(w.loop, use_all(w));
    // One by one, the one in use first; the pools notice nothing.
    for (int left = 2; left > 0; --left) {
        const auto in_use = w.locator->stats().connected_to;
        ASSERT_TRUE(in_use.has_value());
        for (std::size_t i = 0; i < world.sentinel_count(); ++i) {
            if (world.sentinel(i).port() == in_use->port) world.sentinel(i).kill();
        }
        ASSERT_TRUE(run_on(w.loop, wait_until(
                                       [&] {
                                           const auto now = w.locator->stats();
                                           return now.connected_to && now.primary &&
                                                  now.connected_to != in_use;
                                       },
                                       in(10s))));
        EXPECT_EQ(world.count_on_sentinels(":sentinel"), 1);
        run_on(w.loop, use_all(w));
    }
    EXPECT_EQ(w.locator->stats().moves, 0);
    EXPECT_EQ(w.async->stats().opened, 1) << "no connection of a pool was lost";
    // The last one too: what is connected stays, a new dial has nobody to ask.
    for (std::size_t i = 0; i < world.sentinel_count(); ++i)
        world.sentinel(i).kill();
    ASSERT_TRUE(run_on(w.loop, wait_until([&] { return !w.locator->stats().primary; }, in(10s))));
    run_on(w.loop, use_all(w));
    w.async->retire_connections();
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(1s)}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, redis_errc::not_sent);
    EXPECT_THAT(refused.error().detail, HasSubstr("no sentinel tells where primary 'shop' is"));
    // And one that comes back is found.
    world.sentinel(2).start();
    run_on(w.loop, use_all(w));
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 1);
}

TEST(Sentinel, LeavesASilentSentinelForAnotherOne) {
    sentinel_world world;
    worker w(endpoint_of(world));
    run_on(w.loop, use_all(w));
    const auto in_use = w.locator->stats().connected_to;
    ASSERT_TRUE(in_use.has_value());
    for (std::size_t i = 0; i < world.sentinel_count(); ++i) {
        if (world.sentinel(i).port() == in_use->port) world.sentinel(i).suspend();
    }
    EXPECT_TRUE(run_on(w.loop, wait_until(
                                   [&] {
                                       const auto now = w.locator->stats();
                                       return now.connected_to && now.primary &&
                                              now.connected_to != in_use;
                                   },
                                   in(20s))));
    run_on(w.loop, use_all(w));
}

TEST(Sentinel, AsksWithAPasswordAndSaysWhenItIsWrong) {
    sentinel_world world("sesame");
    {
        worker w(endpoint_of(world, "sesame"));
        run_on(w.loop, use_all(w));
    }
    worker w(endpoint_of(world, "wrong"));
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(2s)}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, HasSubstr("WRONGPASS"));
}

TEST(Sentinel, SaysThatTheSentinelsDoNotKnowTheName) {
    sentinel_world world;
    auto where = endpoint_of(world);
    where.sentinel->primary_name = "stock";
    worker w(where);
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(2s)}));
    ASSERT_FALSE(refused.has_value());
    for (std::size_t i = 0; i < world.sentinel_count(); ++i) {
        EXPECT_THAT(refused.error().detail,
                    HasSubstr("127.0.0.1:" + std::to_string(world.sentinel(i).port()) +
                              ": it knows no primary named 'stock'"));
    }
    // Threads with a question of their own hear the same.
    sentinel_inquiry inquiry(where, "chat:host-1:42:sentinel");
    const auto told = inquiry.primary(in(2s));
    ASSERT_FALSE(told.has_value());
    EXPECT_THAT(told.error().detail, HasSubstr("it knows no primary named 'stock'"));
}

TEST(Sentinel, IsAskedByADialWithoutALocatorAndHungUpOnAtOnce) {
    sentinel_world world;
    asio::io_context loop{1};
    client redis(loop.get_executor(), options_for(endpoint_of(world)));
    const auto owner = redis.owner("test");
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 0);
    const auto pong = run_on(loop, redis.execute(command("PING"), {owner, in(5s)}));
    ASSERT_TRUE(pong.has_value()) << pong.error().what();
    EXPECT_TRUE(run_on(
        loop, wait_until([&] { return world.count_on_sentinels(":sentinel") == 0; }, in(5s))));

    blocking_client threads(options_for(endpoint_of(world), pool_kind::sync));
    const auto from_thread = threads.execute(command("PING"), {threads.owner("test"), in(5s)});
    ASSERT_TRUE(from_thread.has_value()) << from_thread.error().what();
    EXPECT_EQ(world.count_on_sentinels(":sentinel"), 0);
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
    EXPECT_TRUE(threads.close(in(5s)).has_value());
}

TEST(Sentinel, NamesEachSentinelAndItsReasonWhenAllAreDown) {
    std::vector<std::uint16_t> ports;
    {
        test::private_sentinel first(1), second(1);
        ports = {first.port(), second.port()};
    }
    worker w(endpoint_of(ports));
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(1s)}));
    ASSERT_FALSE(refused.has_value());
    for (const auto port : ports) {
        EXPECT_THAT(
            refused.error().detail,
            testing::ContainsRegex("127.0.0.1:" + std::to_string(port) + ": .*Connection refused"));
    }
    EXPECT_THAT(w.locator->wait_for_primary(in(1s)).error().detail,
                HasSubstr("Connection refused"));
}

TEST(Sentinel, SaysThatAPlainRedisIsNoSentinel) {
    const test::private_redis plain;
    worker w(endpoint_of({plain.port()}));
    const auto refused = run_on(w.loop, w.async->execute(command("PING"), {w.owner, in(1s)}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, HasSubstr("unknown command 'SENTINEL'"));
}

TEST(Sentinel, RefusesABlockingQuestionOnTheLoopsOwnThread) {
    worker w(endpoint_of({1}));
    std::optional<error> why;
    asio::post(w.loop, [&] { why = w.locator->wait_for_primary(in(1s)).error(); });
    (void)run_on(w.loop, wait_until([&] { return why.has_value(); }, in(5s)));
    EXPECT_EQ(why->code, redis_errc::not_allowed);
}

}  // namespace
}  // namespace headroom::redis
