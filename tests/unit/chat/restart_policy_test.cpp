// SPDX-License-Identifier: Apache-2.0
// When an ended child may be started again.
#include "chat/core/restart_policy.hpp"

#include <gtest/gtest.h>

namespace headroom::chat {
namespace {

using namespace std::chrono_literals;

constexpr clock::time_point start{1h};
constexpr restart_limits limits{.first = 100ms, .longest = 1s, .steady_after = 30s};

TEST(RestartPolicy, ReplacesALongLivedChildAtOnce) {
    restart_policy policy(limits);
    EXPECT_EQ(policy.on_ended(start, start + 30s), start + 30s);
}

TEST(RestartPolicy, DoublesThePauseWithEachShortLifeUpToTheLongest) {
    restart_policy policy(limits);
    for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms})
        EXPECT_EQ(policy.on_ended(start, start), start + pause);
}

TEST(RestartPolicy, ForgetsShortLivesAfterALongOne) {
    restart_policy policy(limits);
    (void)policy.on_ended(start, start);
    (void)policy.on_ended(start, start);
    (void)policy.on_ended(start, start + 31s);
    EXPECT_EQ(policy.short_lives_in_a_row(), 0U);
    EXPECT_EQ(policy.on_ended(start, start), start + 100ms);
}

TEST(RestartPolicy, HoldsItsLongestPauseAfterCountlessShortLives) {
    restart_policy policy(limits);
    for (int life = 0; life < 10'000; ++life)
        EXPECT_LE(policy.on_ended(start, start), start + 1s);
}

}  // namespace
}  // namespace headroom::chat
