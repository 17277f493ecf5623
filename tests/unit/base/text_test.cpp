// SPDX-License-Identifier: Apache-2.0
// Bytes from outside: checked, shown, masked.
#include "base/text.hpp"

#include <array>

#include <gtest/gtest.h>

namespace headroom {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, AcceptsTheFirstAndLastCharacterOfEachLength) {
    for (const auto text :
         {""sv, "\0"sv, "\x7F"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv, "\xED\x9F\xBF"sv,
          "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv,
          "a\xE4\xB8\xAD"
          "b"sv}) {
        EXPECT_TRUE(is_utf8(text)) << printable_excerpt(text);
    }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndTruncation) {
    for (const auto bytes :
         {"\x80"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xC2\x41"sv, "\xE0\x9F\xBF"sv,
          "\xED\xA0\x80"sv, "\xE4\xB8"sv, "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv,
          "\xF5\x80\x80\x80"sv, "\xFF"sv, "ok\xF0\x9F\x98"sv}) {
        EXPECT_FALSE(is_utf8(bytes)) << to_hex(std::as_bytes(std::span(bytes)));
    }
}

TEST(Hex, WritesTwoLowerCaseDigitsAByte) {
    EXPECT_EQ(to_hex(std::as_bytes(std::span("\x00\x0F\xA5\xFF"sv))), "000fa5ff");
}

TEST(VisibleAscii, ExcludesSpacesControlsAndTheEmptyText) {
    EXPECT_TRUE(is_visible_ascii("!~"));
    for (const auto text : {""sv, "a b"sv, "a\x7F"sv, "\xC3\xA9"sv, "a\0"sv}) {
        EXPECT_FALSE(is_visible_ascii(text));
    }
}

struct masked_url {
    std::string_view url;
    std::string_view shown;
};

TEST(MaskUrl, HidesUserAndPasswordUpToTheLastAt) {
    for (const auto& [url, shown] : {
             masked_url{"redis://me:pw@cache:6379/2", "redis://***@cache:6379/2"},
             masked_url{"redis://:p@ss@h", "redis://***@h"},
             masked_url{"redis://:p://x@h/1", "redis://***@h/1"},
             masked_url{"me:pw@h:1", "***@h:1"},
             masked_url{"me:pw://@h:1", "***@h:1"},
             masked_url{"redis://h:6379/0", "redis://h:6379/0"},
             masked_url{"redis://[::1]:6379", "redis://[::1]:6379"},
             masked_url{"unix:///run/redis.sock", "unix:///run/redis.sock"},
             masked_url{"", ""},
         }) {
        EXPECT_EQ(mask_url(url), shown) << url;
    }
}

TEST(MaskUrl, HidesAPasswordThatStandsWhereTheHostBelongs) {
    EXPECT_EQ(mask_url("redis://:secret"), "redis://***");
    EXPECT_EQ(mask_url("redis://me:secret/0"), "redis://***");
}

TEST(MaskUrl, HidesTheQuery) {
    EXPECT_EQ(mask_url("redis://h/0?password=x#y"), "redis://h/0?***");
    EXPECT_EQ(mask_url("redis://u:a?b@h/0?password=x"), "redis://***@h/0?***");
}

TEST(PrintableExcerpt, ReplacesWhatATerminalWouldObey) {
    EXPECT_EQ(printable_excerpt("a\x1B[31m\n\xC2\x9B\xFF\xC3\xA9"sv), "a?[31m???\xC3\xA9");
}

TEST(PrintableExcerpt, CutsBetweenCharactersAndSaysSo) {
    EXPECT_EQ(printable_excerpt("ab\xE4\xB8\xAD", 4), "ab...");
    EXPECT_EQ(printable_excerpt("abcd", 4), "abcd");
}

}  // namespace
}  // namespace headroom
