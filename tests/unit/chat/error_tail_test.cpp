// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/error_tail.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

TEST(ErrorTail, AddsNothingToASentenceWhenNothingWasWritten) {
    EXPECT_EQ(with_error_tail("ended", ""), "ended");
    EXPECT_EQ(with_error_tail("ended", " \n\n\t\r\n"), "ended");
}

TEST(ErrorTail, JoinsTheLastFourLinesInTheirOrder) {
    EXPECT_EQ(with_error_tail("ended", "no order came\n"), "ended: no order came");
    EXPECT_EQ(with_error_tail("ended", "1\n2\r\n\n 3\n4\n5"), "ended: 2 | 3 | 4 | 5");
}

TEST(ErrorTail, BoundsAndCleansWhateverBytesCome) {
    const std::string tail = std::string(5000, 'x') + "\x1b[31m\xff\n" + std::string(5000, 'y');
    const std::string shown = with_error_tail("ended", tail);
    EXPECT_LT(shown.size(), 1300U);
    EXPECT_TRUE(is_utf8(shown));
    EXPECT_EQ(shown.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace headroom::chat
