// SPDX-License-Identifier: Apache-2.0
// The subscriber behind the gate: lost again before it is restored, too slow, refused.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>

#include "fault_world.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using test::toward;

fault_world_options with_subscriber() {
    return {.server_options = {}, .has_subscriber = true};
}

asio::awaitable<void> subscribe_to(fault_world& w, int count) {
    auto left = std::make_shared<int>(count);
    for (int i = 0; i < count; ++i) {
        asio::co_spawn(w.loop, w.relay->subscribe("c" + std::to_string(i), in(10s)),
                       [left](const std::exception_ptr&, const result<void>& done) {
                           EXPECT_TRUE(done.has_value());
                           --*left;
                       });
    }
    const bool all = co_await test::wait_until([left] { return *left == 0; }, in(10s));
    EXPECT_TRUE(all);
}

TEST(RedisSubscriberFaults, LostAgainWhileItResubscribesIsStillOneGapAndOneRestoration) {
    fault_world w(with_subscriber());
    run_on(w.loop, subscribe_to(w, 300));
    // The handshake passes, some of the confirmations, never all; the lane's share of the dials
    // goes through.
    w.gate.limit_bytes(toward::client, 2'000);
    w.gate.cut();
    const auto dials = w.gate.accepted();
    ASSERT_TRUE(w.becomes([&] { return w.gate.accepted() >= dials + 4; }));
    EXPECT_EQ(w.told_of("restored"), 0);
    w.expect_recovers("subscriber: lost again while it resubscribes");
    EXPECT_EQ(w.told_of("gap"), 1);
    EXPECT_EQ(w.told_of("restored"), 1);
    for (const auto* channel : {"c0", "c150", "c299"}) {
        EXPECT_TRUE(w.relay->is_confirmed(channel));
        EXPECT_EQ(w.server.ask(std::string("PUBLISH ") + channel + " x"), ":1\r\n");
    }
}

TEST(RedisSubscriberFaults, LostWithinTheHandshakeIsNeverTakenForRestored) {
    fault_world w(with_subscriber());
    for (std::size_t bytes = 0; bytes < 200; bytes += 23) {
        w.gate.limit_bytes(toward::client, bytes);
        w.gate.cut();
        const auto dials = w.gate.accepted();
        ASSERT_TRUE(w.becomes([&] { return w.gate.accepted() > dials; }));
    }
    EXPECT_FALSE(w.relay->is_confirmed("warm") && w.told_of("restored") < w.told_of("gap"));
    w.expect_recovers("subscriber: lost within the handshake");
    EXPECT_EQ(w.told_of("gap"), w.told_of("restored"));
}

TEST(RedisSubscriberFaults, TooSlowForTheServerIsToldOfItsGapAndDoesNotLoop) {
    fault_world w(with_subscriber());
    (void)w.server.ask("CONFIG SET client-output-buffer-limit \"pubsub 65536 0 0\"");
    const std::string payload(30'000, 'm');
    w.gate.pause(toward::client);
    const auto dials = w.gate.accepted();
    // Until the buffers of two sockets and a gate are full and the server gives the client up.
    int published = 0;
    while (w.server.ask("PUBLISH warm " + payload) == ":1\r\n" && published < 2'000)
        ++published;
    ASSERT_LT(published, 2'000);
    w.gate.pass(toward::client);
    ASSERT_TRUE(w.becomes([&] { return w.told_of("restored") == 1; }));
    EXPECT_EQ(w.told_of("gap"), 1);
    EXPECT_LT(w.told_of("warm=" + payload), published);
    EXPECT_LE(w.gate.accepted(), dials + 2);
    w.told.clear();
    w.expect_recovers("subscriber: too slow, ended by the server");
}

TEST(RedisSubscriberFaults, KeepsEveryMessageThatArrivesInPieces) {
    fault_world w(with_subscriber());
    w.gate.split(toward::client, 1);
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(w.server.ask("PUBLISH warm " + std::to_string(i)), ":1\r\n");
    ASSERT_TRUE(w.becomes([&] { return w.told_of("warm=49") == 1; }));
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(w.told.at(static_cast<std::size_t>(i)), "warm=" + std::to_string(i));
    w.expect_recovers("subscriber: every byte alone");
}

TEST(RedisSubscriberFaults, EndsASubscribeAtItsDeadlineWhileNobodyAnswers) {
    fault_world w(with_subscriber());
    w.gate.pause(toward::client);
    const auto started = clock::now();
    const auto done = run_on(w.loop, w.relay->subscribe("more", in(150ms)));
    EXPECT_FALSE(done.has_value());
    EXPECT_LT(clock::now() - started, 1s);
    EXPECT_EQ(w.relay->channel_count(), 1U);
    w.outcomes.add(done);
    w.expect_recovers("subscriber: SUBSCRIBE without an answer");
}

}  // namespace
}  // namespace headroom::redis
