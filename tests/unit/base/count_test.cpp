// SPDX-License-Identifier: Apache-2.0
// Strong counts: no sum and no product wraps.
#include "base/count.hpp"

#include <gtest/gtest.h>

namespace headroom {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

TEST(Count, AddsUpToTheLargestNumberAndThenSaysSo) {
    EXPECT_EQ(add(connection_count(2), connection_count(3)), connection_count(5));
    EXPECT_EQ(add(connection_count(most), connection_count(0)), connection_count(most));
    EXPECT_EQ(add(connection_count(most), connection_count(1)), std::nullopt);
}

TEST(Count, MultipliesUpToTheLargestNumberAndThenSaysSo) {
    EXPECT_EQ(multiply(worker_count(3), connection_count(6)), connection_count(18));
    EXPECT_EQ(multiply(worker_count(most), connection_count(0)), connection_count(0));
    EXPECT_EQ(multiply(worker_count(0), connection_count(most)), connection_count(0));
    EXPECT_EQ(multiply(worker_count(most / 2 + 1), connection_count(2)), std::nullopt);
}

}  // namespace
}  // namespace headroom
