// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/paper.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/text.hpp"

namespace headroom::tool {
namespace {

// Words of one to twelve characters, some of them of several bytes.
std::string some_text(std::mt19937& chance, std::size_t words) {
    const std::string_view characters[]{"a", "b", "é", "…", "x", "1", "𝄞"};
    std::string text;
    for (std::size_t i = 0; i < words; ++i) {
        if (i > 0) text += ' ';
        for (std::size_t size = 1 + chance() % 12; size > 0; --size)
            text += characters[chance() % std::size(characters)];
    }
    return text;
}

TEST(Paper, CountsACharacterOfSeveralBytesAsOneColumn) {
    EXPECT_EQ(columns_of(""), 0U);
    EXPECT_EQ(columns_of("abc"), 3U);
    EXPECT_EQ(columns_of("né…"), 3U);
}

TEST(Paper, LetsNothingButItsOwnColoursCommandATerminal) {
    const auto painted = paper{.is_coloured = true}.paint("né…", ink::red) + "\n";
    EXPECT_EQ(for_terminal(painted), painted);
    EXPECT_EQ(for_plain_terminal(painted), "?[31mné…?[0m\n");
    EXPECT_EQ(for_terminal("a\x1b]0;title\x07"
                           "b\r\tc\x7f"),
              "a?]0;title?b??c?");
    EXPECT_EQ(for_terminal("\x1b[8m\x1b[2J\x1b[31"), "?[8m?[2J?[31");
    EXPECT_EQ(for_terminal("\xc2\x9b"
                           "2J \xff\xc3"),
              "?2J ??");  // CSI in one character; no UTF-8
    EXPECT_EQ(for_terminal(std::string_view("\0\x1b", 2)), "??");
}

TEST(Paper, CutsOnlyWhatIsTooLongAndMarksIt) {
    EXPECT_EQ(cut_to("abcd", 4), "abcd");
    EXPECT_EQ(cut_to("abcde", 4), "abc…");
    EXPECT_EQ(cut_to("éééé", 3), "éé…");
    EXPECT_EQ(cut_to("abc", 1), "…");
    EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(Paper, CutsAnyTextBetweenItsCharacters) {
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 chance(seed);
        const auto text = some_text(chance, 6);
        const std::size_t columns = chance() % 80;
        const auto cut = cut_to(text, columns);
        EXPECT_EQ(columns_of(cut), std::min(columns, columns_of(text))) << "seed " << seed;
        EXPECT_TRUE(is_utf8(cut)) << "seed " << seed;
    }
}

TEST(Paper, CutsPaintedTextAsIfItWerePlainAndEndsItsColour) {
    const paper on{.width = 80, .is_coloured = true};
    const auto painted = on.paint("red", ink::red) + " and " + on.paint("green", ink::green);
    EXPECT_EQ(painted_columns_of(painted), 13U);
    EXPECT_EQ(cut_painted(painted, 13), painted);
    EXPECT_EQ(cut_painted(painted, 10), on.paint("red", ink::red) + " and \x1b[32mg…\x1b[0m");
    EXPECT_EQ(cut_painted("plain text", 6), "plain…");
    EXPECT_EQ(cut_painted(painted, 0), "");
}

TEST(Paper, CutsAnyPaintedTextToItsColumns) {
    const paper on{.width = 80, .is_coloured = true};
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 chance(seed);
        std::string text;
        for (int part = 0; part < 4; ++part)
            text += on.paint(some_text(chance, 2), chance() % 2 == 0 ? ink::bold : ink::plain);
        const std::size_t columns = chance() % 80;
        EXPECT_EQ(painted_columns_of(cut_painted(text, columns)),
                  std::min(columns, painted_columns_of(text)))
            << "seed " << seed;
    }
}

TEST(Paper, BreaksBetweenWordsAndIndentsWhatFollows) {
    EXPECT_EQ(wrap("one two three", 80, 2), "one two three");
    EXPECT_EQ(wrap("one two three", 9, 2), "one two\n  three");
    EXPECT_EQ(wrap("one two three", 9, 2, 4), "one\n  two\n  three");
    EXPECT_EQ(wrap("overlongword is kept whole", 8, 2), "overlongword\n  is\n  kept\n  whole");
}

TEST(Paper, WrapsAnyTextToItsWidthAndLosesNoWord) {
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 chance(seed);
        const auto text = some_text(chance, 1 + chance() % 40);
        const std::size_t width = 20 + chance() % 61;
        const auto wrapped = wrap(text, width, 4);
        std::string joined;
        for (std::size_t at = 0; at <= wrapped.size();) {
            const auto end = std::min(wrapped.find('\n', at), wrapped.size());
            const auto line = wrapped.substr(at, end - at);
            EXPECT_LE(columns_of(line), width) << "seed " << seed;
            joined += (joined.empty() ? "" : " ") +
                      line.substr(std::min(line.find_first_not_of(' '), line.size()));
            at = end + 1;
        }
        EXPECT_EQ(joined, text) << "seed " << seed;
    }
}

TEST(Paper, PaintsNothingWithoutColours) {
    EXPECT_EQ((paper{.is_coloured = false}.paint("x", ink::red)), "x");
    EXPECT_EQ((paper{.is_coloured = true}.paint("x", ink::red)), "\x1b[31mx\x1b[0m");
    EXPECT_EQ((paper{.is_coloured = true}.paint("x", ink::plain)), "x");
}

}  // namespace
}  // namespace headroom::tool
