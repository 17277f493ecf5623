// SPDX-License-Identifier: Apache-2.0
// What a demand is worth against a server's limit.
#include "budget/verdict.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace headroom::budget {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

amount exactly(std::uint64_t n) {
    return amount::of(connection_count(n));
}

// max_connections=103, superuser_reserved_connections=3
limit hundred_usable() {
    return {.server = connection_count(103),
            .reserved_superuser = connection_count(3),
            .in_use = connection_count(30)};
}

TEST(Limit, LeavesUsableWhatIsNotReserved) {
    limit of = hundred_usable();
    EXPECT_EQ(usable(of), connection_count(100));
    of.reserved_provider = connection_count(2);
    EXPECT_EQ(usable(of), connection_count(98));
    EXPECT_EQ(free_now(of), connection_count(68));
}

TEST(Limit, IsNeverLessThanNothing) {
    const limit of{.server = connection_count(5),
                   .reserved_superuser = connection_count(3),
                   .reserved_provider = connection_count(3),
                   .in_use = connection_count(9)};
    EXPECT_EQ(usable(of), connection_count(0));
    EXPECT_EQ(free_now(of), connection_count(0));
}

TEST(Limit, IsUnknownWhenTheServerDidNotSay) {
    EXPECT_EQ(usable({.in_use = connection_count(1)}), std::nullopt);
    EXPECT_EQ(free_now({.server = connection_count(1)}), std::nullopt);
}

TEST(Verdict, IsTightBelowATenthOfWhatIsUsable) {
    EXPECT_EQ(judge(exactly(90), hundred_usable()), verdict::fits);
    EXPECT_EQ(judge(exactly(91), hundred_usable()), verdict::tight);
    EXPECT_EQ(judge(exactly(100), hundred_usable()), verdict::tight);
    EXPECT_EQ(judge(exactly(101), hundred_usable()), verdict::exceeds);
}

TEST(Verdict, RoundsTheTenthUp) {
    const limit nineteen{.server = connection_count(19)};
    EXPECT_EQ(judge(exactly(17), nineteen), verdict::fits);   // 2 left of 19: more than 1.9
    EXPECT_EQ(judge(exactly(18), nineteen), verdict::tight);  // 1 left
}

TEST(Verdict, HoldsAtTheEndsOfTheRange) {
    EXPECT_EQ(judge(exactly(0), {.server = connection_count(0)}), verdict::fits);
    EXPECT_EQ(judge(exactly(1), {.server = connection_count(0)}), verdict::exceeds);
    EXPECT_EQ(judge(exactly(most), {.server = connection_count(most)}), verdict::tight);
    EXPECT_EQ(judge(exactly(0), {.server = connection_count(most)}), verdict::fits);
}

TEST(Verdict, IsUnboundedEvenWhenTheLimitIsUnknown) {
    EXPECT_EQ(judge(amount::unbounded(), hundred_usable()), verdict::unbounded);
    EXPECT_EQ(judge(amount::unbounded(), {}), verdict::unbounded);
}

TEST(Verdict, IsUnknownWhenTheLimitIsUnknownAndTheDemandANumber) {
    EXPECT_EQ(judge(exactly(1), {}), verdict::unknown);
}

TEST(Verdict, ExceedsAnyLimitWhenTheDemandDoesNotFitANumber) {
    EXPECT_EQ(judge(amount::overflowed(), {.server = connection_count(most)}), verdict::exceeds);
    EXPECT_EQ(judge(amount::overflowed(), {}), verdict::exceeds);
}

TEST(Verdict, IsSpelledOneWayEverywhere) {
    EXPECT_EQ(to_string(verdict::fits), "fits");
    EXPECT_EQ(to_string(verdict::tight), "tight");
    EXPECT_EQ(to_string(verdict::exceeds), "exceeds");
    EXPECT_EQ(to_string(verdict::unbounded), "unbounded");
    EXPECT_EQ(to_string(verdict::unknown), "unknown");
}

}  // namespace
}  // namespace headroom::budget
