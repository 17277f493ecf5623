// SPDX-License-Identifier: Apache-2.0
// What of a program's output is shown, and that it is text whatever the bytes were.
#include "chat/executor/core/output_meter.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

using namespace std::string_view_literals;

std::string shown(output_meter& meter, std::initializer_list<std::string_view> pieces) {
    std::string text;
    for (const auto piece : pieces)
        text += meter.push(piece);
    return text + meter.finish();
}

TEST(Utf8Repair, KeepsEveryWellFormedCharacter) {
    for (const auto text : {""sv, "a\0b"sv, "\xC2\x80\xDF\xBF"sv, "\xE0\xA0\x80\xED\x9F\xBF"sv,
                            "\xEE\x80\x80\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"sv})
        EXPECT_EQ(well_formed(text), text) << printable_excerpt(text);
}

// The examples of Unicode 15, Tables 3-8 to 3-11.
TEST(Utf8Repair, PutsOneReplacementForEachMaximalPart) {
    const std::string r = "\xEF\xBF\xBD";
    EXPECT_EQ(well_formed("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
              r + r + r + r + r + r + r + r + "A");
    EXPECT_EQ(well_formed("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
              r + r + r + r + r + r + r + r + "A");
    EXPECT_EQ(well_formed("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
              r + r + r + r + r + "A" + r + r + "B");
    EXPECT_EQ(well_formed("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

// Mostly bytes that begin, continue or break a character.
rc::Gen<std::string> nasty_bytes() {
    return rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::arbitrary<char>(),
        rc::gen::element('\x80', '\xBF', '\xC2', '\xE0', '\xE4', '\xED', '\xF0', '\xF4', 'a')));
}

TEST(Utf8Repair, GivesTheSameTextInAnySplitOfTheBytes) {
    EXPECT_TRUE(rc::check([] {
        const std::string bytes = *nasty_bytes();
        std::string_view rest = bytes;
        std::string text;
        utf8_repair repair;
        while (!rest.empty()) {
            const auto size = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
            repair.push(rest.substr(0, size), text);
            rest.remove_prefix(size);
        }
        repair.finish(text);
        RC_ASSERT(is_utf8(text));
        RC_ASSERT(text == well_formed(bytes));
        RC_ASSERT(!is_utf8(bytes) || text == bytes);
    }));
}

TEST(OutputMeter, ShowsAllThatFits) {
    output_meter meter(10);
    EXPECT_EQ(shown(meter, {"0123", "456789"}), "0123456789");
    EXPECT_EQ(meter.bytes(), 10U);
    EXPECT_FALSE(meter.is_truncated());
}

TEST(OutputMeter, CountsWhatItDropsBeyondTheBound) {
    output_meter meter(10);
    EXPECT_EQ(shown(meter, {"01234567", "89abc", "def"}), "0123456789");
    EXPECT_EQ(meter.bytes(), 16U);
    EXPECT_TRUE(meter.is_truncated());
}

TEST(OutputMeter, CutsBetweenCharactersWhenTheBoundFallsIntoOne) {
    output_meter meter(4);
    EXPECT_EQ(shown(meter, {"ab\xE4\xB8", "\xAD"}), "ab");
    EXPECT_EQ(meter.bytes(), 5U);
    EXPECT_TRUE(meter.is_truncated());
}

TEST(OutputMeter, ShowsACharacterThatNeverCameWhole) {
    output_meter meter(10);
    EXPECT_EQ(shown(meter, {"ab\xE4", "\xB8"}), "ab\xEF\xBF\xBD");
    EXPECT_FALSE(meter.is_truncated());
}

TEST(OutputMeter, ShowsNothingAtABoundOfZero) {
    output_meter meter(0);
    EXPECT_EQ(shown(meter, {"ab", "\xE4"}), "");
    EXPECT_EQ(meter.bytes(), 3U);
    EXPECT_TRUE(meter.is_truncated());
}

TEST(OutputMeter, ShowsAtMostThreeTimesAsManyBytesAsCame) {
    EXPECT_TRUE(rc::check([] {
        const std::string bytes = *nasty_bytes();
        const auto bound = *rc::gen::inRange<std::uint64_t>(0, 40);
        output_meter meter(bound);
        const std::string text = meter.push(bytes) + meter.finish();
        RC_ASSERT(is_utf8(text));
        RC_ASSERT(text.size() <= 3 * std::min<std::size_t>(bound, bytes.size()));
        RC_ASSERT(meter.bytes() == bytes.size());
        RC_ASSERT(meter.is_truncated() == (bytes.size() > bound));
    }));
}

}  // namespace
}  // namespace headroom::chat
