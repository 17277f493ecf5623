// SPDX-License-Identifier: Apache-2.0
#include "redis/core/shared_lane_policy.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace headroom::redis {
namespace {

using loads = std::vector<member_load>;

member_load with(std::size_t commands) {
    return {.is_open = true, .commands = commands};
}
member_load retiring(std::size_t commands) {
    return {.is_open = true, .is_retiring = true, .commands = commands};
}
constexpr member_load closed{};

shared_lane_limits limits_of(std::uint32_t connections_max) {
    shared_lane_limits limits;
    limits.connections_max = connections_max;
    limits.backlog_to_grow = 10;
    return limits;
}

TEST(SharedLanePolicy, AsksForAConnectionWhereThereIsNone) {
    const auto found = place_on(loads{}, limits_of(6));
    EXPECT_FALSE(found.joins);
    EXPECT_TRUE(found.wants_another);
}

TEST(SharedLanePolicy, JoinsTheLeastLoadedAndTheFirstOfEquals) {
    EXPECT_EQ(place_on(loads{with(3), with(2), with(2)}, limits_of(6)).joins, 1U);
}

TEST(SharedLanePolicy, TakesNeitherClosedNorRetiringOnes) {
    const auto found = place_on(loads{closed, retiring(0), with(9)}, limits_of(6));
    EXPECT_EQ(found.joins, 2U);
    EXPECT_FALSE(found.wants_another);
    EXPECT_FALSE(place_on(loads{closed, retiring(0)}, limits_of(6)).joins);
}

TEST(SharedLanePolicy, WantsOneMoreWhenAllHaveABacklog) {
    EXPECT_FALSE(place_on(loads{with(10), with(9)}, limits_of(6)).wants_another);
    const auto found = place_on(loads{with(10), with(11)}, limits_of(6));
    EXPECT_EQ(found.joins, 0U);
    EXPECT_TRUE(found.wants_another);
}

TEST(SharedLanePolicy, StopsAtItsLimit) {
    EXPECT_FALSE(place_on(loads{with(99), with(99)}, limits_of(2)).wants_another);
    EXPECT_TRUE(place_on(loads{with(99), retiring(1)}, limits_of(2)).wants_another);
}

TEST(SharedLanePolicy, GivesUpItsLastConnectionForALease) {
    EXPECT_EQ(member_to_give_up(loads{with(1), with(1), closed}, limits_of(6)), 1U);
}

TEST(SharedLanePolicy, KeepsItsOnlyConnectionWhereLeasesHaveRoomOfTheirOwn) {
    EXPECT_FALSE(member_to_give_up(loads{with(1)}, limits_of(6)));
    EXPECT_FALSE(member_to_give_up(loads{with(1), retiring(1)}, limits_of(6)));
}

TEST(SharedLanePolicy, GivesUpItsOnlyConnectionAtACapOfOne) {
    auto limits = limits_of(1);
    limits.leaves_room_for_leases = false;
    EXPECT_EQ(member_to_give_up(loads{with(1)}, limits), 0U);
    EXPECT_FALSE(member_to_give_up(loads{retiring(1)}, limits));
}

}  // namespace
}  // namespace headroom::redis
