// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/words.hpp"

#include <gtest/gtest.h>

namespace headroom::tool {
namespace {

using std::chrono::seconds;

TEST(Words, TellATimeInTwoPartsAtMost) {
    EXPECT_EQ(to_words(seconds(0)), "0s");
    EXPECT_EQ(to_words(seconds(59)), "59s");
    EXPECT_EQ(to_words(seconds(60)), "1m");
    EXPECT_EQ(to_words(seconds(61)), "1m 01s");
    EXPECT_EQ(to_words(seconds(3599)), "59m 59s");
    EXPECT_EQ(to_words(seconds(2 * 3600 + 5 * 60 + 59)), "2h 05m");
    EXPECT_EQ(to_words(seconds(86400)), "1d");
    EXPECT_EQ(to_words(seconds(9 * 86400 + 3 * 3600)), "9d 03h");
}

TEST(Words, TellATimeInOnePartWhereThereIsLittleRoom) {
    EXPECT_EQ(to_short_words(seconds(59)), "59s");
    EXPECT_EQ(to_short_words(seconds(3599)), "59m");
    EXPECT_EQ(to_short_words(seconds(86399)), "23h");
    EXPECT_EQ(to_short_words(seconds(9 * 86400 + 3 * 3600)), "9d");
}

TEST(Words, TellBytesInTheUnitThatFits) {
    EXPECT_EQ(bytes_to_words(0), "0");
    EXPECT_EQ(bytes_to_words(1), "1 B");
    EXPECT_EQ(bytes_to_words(1023), "1023 B");
    EXPECT_EQ(bytes_to_words(1024), "1 KB");
    EXPECT_EQ(bytes_to_words(1536), "1.5 KB");
    EXPECT_EQ(bytes_to_words(std::uint64_t{128} << 20U), "128 MB");
    EXPECT_EQ(bytes_to_words(std::numeric_limits<std::uint64_t>::max()), "16384 PB");
}

TEST(Words, CountInSingularAndPlural) {
    EXPECT_EQ(count_of(0, "worker"), "0 workers");
    EXPECT_EQ(count_of(1, "worker"), "1 worker");
    EXPECT_EQ(count_of(2, "worker"), "2 workers");
}

TEST(Words, FillABarByWhatIsBegunAndNeverBeyondItsEnd) {
    EXPECT_EQ(bar(0), "[....................]");
    EXPECT_EQ(bar(1), "[#...................]");
    EXPECT_EQ(bar(40), "[########............]");
    EXPECT_EQ(bar(100), "[####################]");
    EXPECT_EQ(bar(1000), "[####################]");
    EXPECT_EQ(bar(50, 12), "[#####.....]");
    EXPECT_EQ(bar(50, 0), "[#]");
}

}  // namespace
}  // namespace headroom::tool
