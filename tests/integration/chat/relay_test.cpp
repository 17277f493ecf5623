// SPDX-License-Identifier: Apache-2.0
// The relay on a real Redis: numbers, replay, gaps, restarts.
#include <gtest/gtest.h>

#include "integration/chat/chat_world.hpp"
#include "net/task_group.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::wait_until;

constexpr auto attempt_time_max = 300ms;

// One worker's relay: a client, channels, sessions.
struct relay_world {
    std::uint32_t history_max = 50;
    test::private_redis server{{"--appendonly", "yes"}};
    asio::io_context loop{1};
    key_space keys{test_scope};
    redis::client client{loop.get_executor(), redis_options(server, "async")};
    service_communicator channels{client, "relay"};
    chat_relay_communicator relay{
        loop.get_executor(),
        channels,
        keys,
        {.events_max = history_max, .lifetime = 60s, .attempt_time_max = attempt_time_max}};

    // Runs the body, then ends everything in order.
    void run(asio::awaitable<void> body) { test::run_on(loop, whole(std::move(body))); }

    asio::awaitable<void> whole(asio::awaitable<void> body) {
        co_await std::move(body);
        co_await relay.stop(in(5s));
        auto closed = co_await client.close(in(5s));
        EXPECT_TRUE(closed);
    }
    asio::awaitable<std::uint64_t> say(std::string what, int times = 1) {
        std::vector<outgoing_event> batch;
        for (int i = 0; i < times; ++i)
            batch.push_back({.name = "chat_" + what, .data = R"({"n":1})"});
        auto number = co_await relay.publish("s1", std::move(batch), in(10s));
        EXPECT_TRUE(number) << number.error().what();
        co_return number.value_or(0);
    }
    asio::awaitable<chat_relay_communicator::subscription> open(std::optional<std::uint64_t> last,
                                                                stream_sink& sink) {
        auto opened = co_await relay.open("s1", last, sink, in(10s));
        if (!opened) throw std::runtime_error(opened.error().what());
        co_return std::move(*opened);
    }
};

asio::awaitable<bool> has_heard(const remembering_sink& sink, std::size_t events) {
    co_return co_await wait_until([&] { return sink.heard.size() >= events; }, in(15s));
}

asio::awaitable<void> delivers_in_order(relay_world& world) {
    remembering_sink ann;
    remembering_sink bob;
    auto first = co_await world.open(std::nullopt, ann);
    auto second = co_await world.open(std::nullopt, bob);
    co_await world.say("start");
    co_await world.say("delta", 3);
    co_await world.say("complete");
    EXPECT_TRUE(co_await has_heard(ann, 5));
    EXPECT_TRUE(co_await has_heard(bob, 5));
    EXPECT_EQ(ann.names(), "start delta delta delta complete");
    EXPECT_TRUE(ann.numbers_are_contiguous());
    EXPECT_EQ(ann.heard, bob.heard);
    EXPECT_EQ(world.relay.stats().streams, 2U);
    EXPECT_EQ(world.relay.stats().sessions, 1U);
}

TEST(Relay, DeliversASessionsEventsToAllItsStreamsInOrder) {
    relay_world world;
    world.run(delivers_in_order(world));
}

asio::awaitable<void> forgets_left_streams(relay_world& world) {
    remembering_sink ann;
    {
        auto mine = co_await world.open(std::nullopt, ann);
        EXPECT_EQ(world.relay.stats().streams, 1U);
    }
    EXPECT_EQ(world.relay.stats().streams, 0U);
    EXPECT_EQ(world.relay.stats().sessions, 0U);
    const bool unsubscribed = co_await wait_until(
        [&] {
            return world.server.ask("PUBSUB NUMSUB " + world.keys.session_channel("s1"))
                       .find(":0") != std::string::npos;
        },
        in(5s));
    EXPECT_TRUE(unsubscribed);
}

TEST(Relay, LeavesAChannelWithItsLastStream) {
    relay_world world;
    world.run(forgets_left_streams(world));
}

asio::awaitable<void> replays(relay_world& world) {
    const auto first = co_await world.say("delta", 20);
    remembering_sink ann;
    auto mine = co_await world.open(first + 4, ann);
    EXPECT_EQ(ann.heard.size(), 15U) << "replayed before open() returns";
    co_await world.say("complete");
    EXPECT_TRUE(co_await has_heard(ann, 16));
    EXPECT_EQ(ann.heard.front().number, first + 5);
    EXPECT_TRUE(ann.numbers_are_contiguous());
}

TEST(Relay, ReplaysWhatFollowedTheLastEventAStreamHasSeen) {
    relay_world world;
    world.run(replays(world));
}

asio::awaitable<void> publish_many(relay_world& world, bool& ended) {
    for (int i = 0; i < 40; ++i)
        co_await world.say("delta");
    ended = true;
}

asio::awaitable<void> replays_under_traffic(relay_world& world) {
    const auto first = co_await world.say("delta", 5);
    bool ended = false;
    net::task_group traffic(world.loop.get_executor());
    traffic.spawn("traffic", publish_many(world, ended));
    std::vector<std::unique_ptr<remembering_sink>> sinks;
    std::vector<chat_relay_communicator::subscription> open;
    while (!ended) {
        sinks.push_back(std::make_unique<remembering_sink>());
        open.push_back(co_await world.open(first, *sinks.back()));
    }
    EXPECT_TRUE(co_await traffic.join(in(10s)));
    EXPECT_GE(sinks.size(), 3U);
    for (const auto& sink : sinks) {
        EXPECT_TRUE(co_await has_heard(*sink, 44));
        EXPECT_EQ(sink->heard.size(), 44U);
        EXPECT_EQ(sink->heard.front().number, first + 1);
        EXPECT_TRUE(sink->numbers_are_contiguous());
    }
}

TEST(Relay, LosesAndRepeatsNothingBetweenReplayAndLive) {
    relay_world world;
    world.run(replays_under_traffic(world));
}

asio::awaitable<void> tells_cut_history(relay_world& world) {
    const auto first = co_await world.say("delta", 30);
    co_await world.say("delta", 30);
    remembering_sink ann;
    auto mine = co_await world.open(first, ann);
    EXPECT_EQ(ann.heard.front().name, "gap");
    EXPECT_NE(ann.heard.front().data.find(R"("type":"gap")"), std::string::npos);
    EXPECT_EQ(ann.heard.size(), 51U);
    EXPECT_TRUE(ann.numbers_are_contiguous());
}

TEST(Relay, TellsAGapWhereTheBoundedHistoryWasCut) {
    relay_world world;
    world.run(tells_cut_history(world));
}

asio::awaitable<void> survives_flush(relay_world& world) {
    remembering_sink ann;
    auto mine = co_await world.open(std::nullopt, ann);
    const auto before = co_await world.say("start");
    EXPECT_TRUE(co_await has_heard(ann, 1));
    EXPECT_EQ(world.server.ask("FLUSHALL").substr(0, 3), "+OK");
    const auto after = co_await world.say("delta");
    EXPECT_GT(after, before + 1);
    EXPECT_TRUE(co_await has_heard(ann, 3));
    EXPECT_EQ(ann.names(), "start gap delta");
    EXPECT_TRUE(ann.numbers_rise());
}

TEST(Relay, BeginsANewEpochWithAGapWhenRedisForgot) {
    relay_world world;
    world.run(survives_flush(world));
}

asio::awaitable<void> survives_restart(relay_world& world) {
    remembering_sink ann;
    auto mine = co_await world.open(std::nullopt, ann);
    co_await world.say("start");
    EXPECT_TRUE(co_await has_heard(ann, 1));
    world.server.kill();
    world.server.start();
    co_await world.say("delta");
    EXPECT_TRUE(co_await has_heard(ann, 2));
    EXPECT_EQ(ann.names(), "start delta");
    EXPECT_TRUE(ann.numbers_are_contiguous()) << "history was on disk: nothing is lost";
    auto restored = co_await world.relay.restore(in(10s));
    EXPECT_TRUE(restored);
    co_await world.say("complete");
    EXPECT_TRUE(co_await has_heard(ann, 3));
    EXPECT_TRUE(ann.numbers_are_contiguous());
}

TEST(Relay, CatchesUpAfterRedisRestarted) {
    relay_world world;
    world.run(survives_restart(world));
}

asio::awaitable<void> tells_lost_history(relay_world& world) {
    remembering_sink ann;
    auto mine = co_await world.open(std::nullopt, ann);
    co_await world.say("start");
    EXPECT_TRUE(co_await has_heard(ann, 1));
    // The event that would show the gap has itself been lost: the reconnection alone tells it.
    EXPECT_EQ(world.server.ask("FLUSHALL").substr(0, 3), "+OK");
    EXPECT_EQ(world.server.ask("CLIENT KILL TYPE pubsub"), ":1\r\n");
    EXPECT_TRUE(co_await has_heard(ann, 2));
    EXPECT_EQ(ann.names(), "start gap");
    EXPECT_TRUE(ann.numbers_rise());
}

TEST(Relay, TellsAGapAfterAReconnectionThatFindsNoHistory) {
    relay_world world;
    world.run(tells_lost_history(world));
}

asio::awaitable<void> bounds_history(relay_world& world) {
    for (int i = 0; i < 5; ++i)
        co_await world.say("delta", 40);
    const auto history = world.keys.history("s1");
    EXPECT_EQ(world.server.ask("XLEN " + history), ":50\r\n");
    const auto lifetime = world.server.ask("TTL " + history);
    EXPECT_NE(lifetime, ":-1\r\n");
    EXPECT_NE(lifetime, ":-2\r\n");
}

TEST(Relay, BoundsAHistoryInLengthAndLifetime) {
    relay_world world;
    world.run(bounds_history(world));
}

asio::awaitable<void> say_once(relay_world& world, bool& ended) {
    co_await world.say("start");
    ended = true;
}

asio::awaitable<void> outlasts_silence(relay_world& world) {
    remembering_sink ann;
    auto mine = co_await world.open(std::nullopt, ann);
    world.server.suspend();
    bool ended = false;
    net::task_group saying(world.loop.get_executor());
    saying.spawn("say", say_once(world, ended));
    const bool tried_again = co_await wait_until(
        [&world] { return world.client.traffic().abandoned >= 2; }, in(5 * attempt_time_max + 5s));
    EXPECT_TRUE(tried_again);
    EXPECT_FALSE(ended);
    world.server.resume();
    EXPECT_TRUE(co_await saying.join(in(10s)));
    co_await world.say("complete");
    EXPECT_TRUE(co_await has_heard(ann, 2));
    EXPECT_EQ(ann.names(), "start complete") << "three attempts, one event";
    EXPECT_EQ(world.server.ask("XLEN " + world.keys.history("s1")), ":2\r\n");
}

TEST(Relay, PublishesABatchOnceHoweverOftenItsAnswerIsLate) {
    relay_world world;
    world.run(outlasts_silence(world));
}

asio::awaitable<void> say_many(relay_world& world) {
    co_await world.say("delta", 150);
}

asio::awaitable<void> finds_far_back(relay_world& world) {
    co_await world.say("start");
    world.server.suspend();
    net::task_group saying(world.loop.get_executor());
    saying.spawn("say", say_many(world));
    EXPECT_TRUE(
        co_await wait_until([&] { return world.client.traffic().abandoned >= 1; }, in(10s)));
    world.server.resume();
    EXPECT_TRUE(co_await saying.join(in(10s)));
    EXPECT_EQ(world.server.ask("XLEN " + world.keys.history("s1")), ":151\r\n");
}

TEST(Relay, FindsABatchAgainBehindPagesOfItsHistory) {
    relay_world world{.history_max = 500};
    world.run(finds_far_back(world));
}

asio::awaitable<void> wakes(relay_world& world) {
    int woken = 0;
    auto listening =
        co_await world.relay.listen_for_work([&woken](work_notice) { ++woken; }, in(5s));
    EXPECT_TRUE(listening);
    EXPECT_EQ(world.server.ask("PUBLISH " + world.keys.work_channel() + " added"), ":1\r\n");
    EXPECT_TRUE(co_await wait_until([&] { return woken > 0; }, in(5s)));
}

TEST(Relay, WakesTheProcessorWhenThereIsWork) {
    relay_world world;
    world.run(wakes(world));
}

}  // namespace
}  // namespace headroom::chat
