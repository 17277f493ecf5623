// SPDX-License-Identifier: Apache-2.0
#include "redis/core/subscriber_pulse.hpp"

#include <gtest/gtest.h>

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;

constexpr clock::time_point start{1000s};

subscriber_pulse connected_pulse() {
    subscriber_pulse pulse({.ping_interval = 3s, .silence_max = 3s, .answer_max = 15s});
    pulse.on_connected(start);
    return pulse;
}

TEST(SubscriberPulse, PingsAnIdleConnectionEachInterval) {
    auto pulse = connected_pulse();
    EXPECT_FALSE(pulse.look(start + 2s).must_ping);
    EXPECT_EQ(pulse.look(start + 2s).look_again, start + 3s);
    EXPECT_TRUE(pulse.look(start + 3s).must_ping);
    pulse.on_asked(start + 3s);
    EXPECT_FALSE(pulse.look(start + 3s).must_ping);
    pulse.on_answered(start + 4s, false);
    EXPECT_EQ(pulse.look(start + 4s).look_again, start + 7s);
}

TEST(SubscriberPulse, LosesAConnectionThatIsAskedAndSilent) {
    auto pulse = connected_pulse();
    pulse.on_asked(start + 10s);
    EXPECT_FALSE(pulse.look(start + 12s).is_lost);
    EXPECT_EQ(pulse.look(start + 12s).look_again, start + 13s);
    EXPECT_TRUE(pulse.look(start + 13s).is_lost);
}

TEST(SubscriberPulse, DoesNotTakeASlowAnswerBehindManyMessagesForDeath) {
    auto pulse = connected_pulse();
    pulse.on_asked(start + 1s);
    for (auto at = 2s; at < 15s; at += 1s) {
        pulse.on_heard(start + at);
        EXPECT_FALSE(pulse.look(start + at + 1s).is_lost);
    }
    pulse.on_answered(start + 15s, false);
    EXPECT_FALSE(pulse.look(start + 17s).is_lost);
}

TEST(SubscriberPulse, LosesAConnectionWhoseMessagesComeButNeverAnAnswer) {
    auto pulse = connected_pulse();
    pulse.on_asked(start + 1s);
    for (auto at = 2s; at <= 17s; at += 1s)
        pulse.on_heard(start + at);
    EXPECT_TRUE(pulse.look(start + 16s).is_lost);
}

TEST(SubscriberPulse, CountsEachAnswerOfManyAsProgress) {
    auto pulse = connected_pulse();
    pulse.on_asked(start);
    for (auto at = 2s; at <= 40s; at += 2s)
        pulse.on_answered(start + at, true);
    EXPECT_FALSE(pulse.look(start + 42s).is_lost);
    EXPECT_TRUE(pulse.look(start + 43s).is_lost);
}

TEST(SubscriberPulse, ForgetsWhatWasAskedOnAnEarlierConnection) {
    auto pulse = connected_pulse();
    pulse.on_asked(start);
    pulse.on_connected(start + 60s);
    EXPECT_FALSE(pulse.look(start + 60s).is_lost);
    EXPECT_EQ(pulse.look(start + 60s).look_again, start + 63s);
}

TEST(ReconnectPace, DoublesUpToItsMaximumAndSpreadsOverHalf) {
    reconnect_pace pace({.first = 100ms, .max = 1s, .steady = 5s});
    EXPECT_EQ(pace.on_ended(0s, 1.0), 100ms);
    EXPECT_EQ(pace.on_ended(0s, 0.0), 100ms);
    EXPECT_EQ(pace.on_ended(0s, 0.5), 300ms);
    EXPECT_EQ(pace.on_ended(0s, 1.0), 800ms);
    EXPECT_EQ(pace.on_ended(0s, 1.0), 1s);
    EXPECT_EQ(pace.on_ended(0s, 0.0), 500ms);
}

TEST(ReconnectPace, BeginsAnewOnlyAfterAConnectionThatHasLived) {
    reconnect_pace pace({.first = 100ms, .max = 1s, .steady = 5s});
    (void)pace.on_ended(0s, 1.0);
    EXPECT_EQ(pace.on_ended(4999ms, 1.0), 200ms);
    EXPECT_EQ(pace.on_ended(5s, 1.0), 100ms);
}

}  // namespace
}  // namespace headroom::redis
