// SPDX-License-Identifier: Apache-2.0
// Lines out of bytes that come in any pieces.
#include "chat/core/line_frames.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace headroom::chat {
namespace {

std::vector<std::string> lines_of(std::string_view bytes, std::size_t cut) {
    line_frames frames(8);
    std::vector<std::string> lines;
    for (const auto piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
        frames.push(piece);
        while (auto line = frames.next())
            lines.push_back(*line);
    }
    return lines;
}

TEST(LineFrames, GivesTheSameLinesForEverySplit) {
    constexpr std::string_view bytes = "one\n\nthree\nfour";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
        EXPECT_EQ(lines_of(bytes, cut), (std::vector<std::string>{"one", "", "three"})) << cut;
}

TEST(LineFrames, TakesALineAsLongAsTheBound) {
    line_frames frames(8);
    frames.push("12345678\n");
    EXPECT_EQ(frames.next(), "12345678");
    EXPECT_FALSE(frames.is_overlong());
}

TEST(LineFrames, RefusesAllAfterALineBeyondTheBound) {
    line_frames frames(8);
    frames.push("123456789");
    EXPECT_EQ(frames.next(), std::nullopt);
    EXPECT_TRUE(frames.is_overlong());
    frames.push("\nok\n");
    EXPECT_EQ(frames.next(), std::nullopt);
}

}  // namespace
}  // namespace headroom::chat
