// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/level.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace headroom::tool {
namespace {

TEST(Level, KeepsWhatIsWorse) {
    const level from_best[]{level::ok, level::warning, level::unknown, level::critical};
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j)
            EXPECT_EQ(worse(from_best[i], from_best[j]), from_best[std::max(i, j)]);
    }
}

TEST(Level, RoundsAShareDownSoThatAFullHundredIsFull) {
    EXPECT_EQ(percent(0, 97), 0U);
    EXPECT_EQ(percent(1, 97), 1U);
    EXPECT_EQ(percent(96, 97), 98U);
    EXPECT_EQ(percent(97, 97), 100U);
    EXPECT_EQ(percent(98, 97), 101U);
}

TEST(Level, CallsAllOfNothingFull) {
    EXPECT_EQ(percent(0, 0), 100U);
    EXPECT_EQ(percent(7, 0), 100U);
}

TEST(Level, BoundsAShareThatIsBeyondAllSense) {
    constexpr auto most = std::numeric_limits<unsigned long long>::max();
    EXPECT_EQ(percent(most, 1), 1000U);
    EXPECT_EQ(percent(most, most), 100U);
}

TEST(Level, WarnsAtTheThresholdAndNotBelow) {
    const thresholds by{.warn = 70, .crit = 90};
    EXPECT_EQ(judge_use(69, by), level::ok);
    EXPECT_EQ(judge_use(70, by), level::warning);
    EXPECT_EQ(judge_use(89, by), level::warning);
    EXPECT_EQ(judge_use(90, by), level::critical);
}

}  // namespace
}  // namespace headroom::tool
