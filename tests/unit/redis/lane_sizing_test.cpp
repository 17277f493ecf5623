// SPDX-License-Identifier: Apache-2.0
#include "redis/core/lane_sizing.hpp"

#include <gtest/gtest.h>

namespace headroom::redis {
namespace {

TEST(LaneSizing, GrowsWhenEvenTheLeastLoadedConnectionHasABacklog) {
    const lane_sizing sizing(6);
    EXPECT_FALSE(sizing.should_grow(1, backlog_to_grow - 1));
    EXPECT_TRUE(sizing.should_grow(1, backlog_to_grow));
    EXPECT_TRUE(sizing.should_grow(5, 1'000));
}

TEST(LaneSizing, NeverGrowsBeyondItsMaximum) {
    EXPECT_FALSE(lane_sizing(6).should_grow(6, 1'000));
    EXPECT_FALSE(lane_sizing(1).should_grow(1, 1'000));
}

TEST(LaneSizing, ShrinksOnlyWhenAWholeIntervalWasQuiet) {
    lane_sizing sizing(6);
    sizing.on_command(100);
    sizing.on_command(3);
    EXPECT_FALSE(sizing.should_shrink(4, 3));  // the rush was in this interval
    sizing.on_command(5);
    EXPECT_TRUE(sizing.should_shrink(4, 0));
}

TEST(LaneSizing, CountsWhatIsStillOutstandingWhenAnIntervalBegins) {
    lane_sizing sizing(6);
    (void)sizing.should_shrink(4, 50);
    EXPECT_FALSE(sizing.should_shrink(4, 0));
}

TEST(LaneSizing, KeepsItsOnlyConnection) {
    lane_sizing sizing(6);
    EXPECT_FALSE(sizing.should_shrink(1, 0));
}

// Otherwise a steady load would open and close in turn.
TEST(LaneSizing, WhatMadeItGrowDoesNotLetItShrink) {
    for (std::uint32_t connections = 1; connections < 6; ++connections) {
        lane_sizing sizing(6);
        const auto outstanding = backlog_to_grow * connections;
        sizing.on_command(outstanding);
        ASSERT_TRUE(sizing.should_grow(connections, outstanding / connections));
        EXPECT_FALSE(sizing.should_shrink(connections + 1, outstanding));
    }
}

TEST(LaneSizing, WeighsALongWriteAsManyCommands) {
    EXPECT_GT(weight_of({.commands = 1, .bytes = 4'000'000}),
              weight_of({.commands = 100, .bytes = 4'000}));
    EXPECT_GT(weight_of({.commands = 2, .bytes = 0}), weight_of({.commands = 1, .bytes = 0}));
}

// Otherwise those who ask in one turn would be torn into small batches.
TEST(LaneSizing, WeighsShortCommandsTheSameQueuedOrInFlight) {
    EXPECT_EQ(weight_of({.commands = 100, .bytes = 3'000}),
              weight_of({.commands = 100, .bytes = 0}));
}

}  // namespace
}  // namespace headroom::redis
