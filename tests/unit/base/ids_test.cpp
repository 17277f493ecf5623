// SPDX-License-Identifier: Apache-2.0
// Random identifiers: their shape, and that they differ.
#include "base/ids.hpp"

#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(RandomId, IsThirtyTwoLowerCaseHexDigits) {
    EXPECT_TRUE(std::regex_match(random_id(), std::regex("[0-9a-f]{32}")));
}

TEST(RandomId, HasTheLengthAskedFor) {
    for (const std::size_t bytes : {0U, 1U, 32U, 256U}) {
        EXPECT_EQ(random_hex(bytes).size(), 2 * bytes);
    }
}

TEST(RandomId, IsNeverTheSameTwice) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(seen.insert(random_id()).second);
}

TEST(RandomUuid, IsOfVersionFour) {
    const std::regex version_4(
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(std::regex_match(random_uuid(), version_4));
}

}  // namespace
}  // namespace headroom
