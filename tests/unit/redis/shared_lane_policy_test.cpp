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
    limits.crowd_to_share = 4;
    limits.backlog_to_grow = 10;
    return limits;
}

// One that has seen so many commands at each arrival for a while.
shared_lane_policy crowded(std::uint32_t connections_max, std::size_t commands = 20) {
    shared_lane_policy policy(limits_of(connections_max));
    for (int i = 0; i < 100; ++i)
        (void)policy.place(loads{with(commands)});
    return policy;
}

TEST(SharedLanePolicy, AsksForAConnectionWhereThereIsNone) {
    shared_lane_policy policy(limits_of(6));
    const auto found = policy.place(loads{});
    EXPECT_FALSE(found.joins);
    EXPECT_TRUE(found.wants_another);
}

TEST(SharedLanePolicy, GivesFewCallersAConnectionEach) {
    shared_lane_policy policy(limits_of(3));
    EXPECT_TRUE(policy.place(loads{with(1)}).wants_another);
    EXPECT_TRUE(policy.place(loads{with(1), with(2)}).wants_another);
    // As far as the connections go; then the least loaded takes them.
    const auto found = policy.place(loads{with(2), with(1), with(1)});
    EXPECT_FALSE(found.wants_another);
    EXPECT_EQ(found.joins, 1U);
}

TEST(SharedLanePolicy, PutsACrowdOnTheFirstConnectionUntilThatHasABacklog) {
    auto policy = crowded(6);
    auto found = policy.place(loads{with(9), with(1)});
    EXPECT_EQ(found.joins, 0U);
    EXPECT_FALSE(found.wants_another);
    found = policy.place(loads{with(10), with(1)});
    EXPECT_EQ(found.joins, 1U);
    EXPECT_FALSE(found.wants_another);
}

TEST(SharedLanePolicy, WantsOneMoreForACrowdWhenAllHaveABacklog) {
    auto policy = crowded(6);
    const auto found = policy.place(loads{with(11), with(10)});
    EXPECT_EQ(found.joins, 1U);
    EXPECT_TRUE(found.wants_another);
}

TEST(SharedLanePolicy, TakesAShortLullForNoEndOfTheCrowd) {
    auto policy = crowded(6);
    EXPECT_FALSE(policy.place(loads{with(1)}).wants_another);
    for (int i = 0; i < 100; ++i)
        (void)policy.place(loads{with(1)});
    EXPECT_TRUE(policy.place(loads{with(1)}).wants_another);
}

TEST(SharedLanePolicy, TakesNeitherClosedNorRetiringOnes) {
    auto policy = crowded(6);
    EXPECT_EQ(policy.place(loads{closed, retiring(0), with(9)}).joins, 2U);
    const auto found = policy.place(loads{closed, retiring(0)});
    EXPECT_FALSE(found.joins);
    EXPECT_TRUE(found.wants_another);
}

TEST(SharedLanePolicy, StopsAtItsLimit) {
    auto policy = crowded(2);
    EXPECT_FALSE(policy.place(loads{with(99), with(99)}).wants_another);
    EXPECT_TRUE(policy.place(loads{with(99), retiring(1)}).wants_another);
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
