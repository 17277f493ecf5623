// SPDX-License-Identifier: Apache-2.0
#include "headroom/top/key_reader.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/text.hpp"

namespace headroom::tool {
namespace {

using keys = std::vector<key>;

keys read(std::string_view bytes) {
    return key_reader().read(bytes);
}

key typed(std::string text) {
    return {key_name::text, std::move(text)};
}

TEST(KeyReader, ReadsCharactersAsUtf8) {
    EXPECT_EQ(read("aé"), (keys{typed("a"), typed("é")}));
}

TEST(KeyReader, ReadsArrowsInBothModesOfTheKeypad) {
    EXPECT_EQ(read("\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~"), (keys{{key_name::up},
                                                                     {key_name::down},
                                                                     {key_name::page_up},
                                                                     {key_name::page_down},
                                                                     {key_name::home},
                                                                     {key_name::end}}));
}

TEST(KeyReader, ReadsControlKeys) {
    EXPECT_EQ(read("\r\n\x7f\b\x03"), (keys{{key_name::enter},
                                            {key_name::enter},
                                            {key_name::erase},
                                            {key_name::erase},
                                            {key_name::interrupt}}));
}

TEST(KeyReader, TakesAnEscForTheKeyOnlyAfterAPause) {
    key_reader reader;
    EXPECT_EQ(reader.read("\x1b"), keys{});
    EXPECT_TRUE(reader.is_waiting());
    EXPECT_EQ(reader.read_pause(), (keys{{key_name::escape}}));
    EXPECT_FALSE(reader.is_waiting());
    EXPECT_EQ(reader.read_pause(), keys{});
}

TEST(KeyReader, TakesAnEscBeforeAnotherKeyForTheKey) {
    EXPECT_EQ(read("\x1bq"), (keys{{key_name::escape}, typed("q")}));
}

TEST(KeyReader, DropsSequencesThatItDoesNotKnow) {
    EXPECT_EQ(read("\x1b[1;5Cq\x1b[200~x"), (keys{typed("q"), typed("x")}));
}

TEST(KeyReader, ReadsOnBehindBytesThatAreNoText) {
    EXPECT_EQ(read("\xff\xc3q\xed\xa0\x80r\x01s"), (keys{typed("q"), typed("r"), typed("s")}));
}

TEST(KeyReader, ReadsTheSameKeysHoweverTheBytesAreSplit) {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        std::mt19937 chance(seed);
        const std::string_view pieces[]{"\x1b", "[",    "O",  "A",    "5~", "q", "é",
                                        "\xc3", "\xff", "\r", "\x7f", "1;", "𝄞", "\x03"};
        std::string bytes;
        for (std::size_t i = chance() % 20; i > 0; --i)
            bytes += pieces[chance() % std::size(pieces)];
        key_reader whole;
        key_reader split;
        const auto expected = whole.read(bytes);
        keys got;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t size = 1 + chance() % 4;
            for (auto& one : split.read(std::string_view(bytes).substr(at, size)))
                got.push_back(std::move(one));
            at += size;
        }
        EXPECT_EQ(got, expected) << "seed " << seed;
        for (const auto& one : got)
            EXPECT_TRUE(is_utf8(one.text)) << "seed " << seed;
        EXPECT_EQ(split.read_pause(), whole.read_pause()) << "seed " << seed;
    }
}

TEST(KeyReader, HoldsNoEndlessSequence) {
    key_reader reader;
    (void)reader.read("\x1b[");
    for (int i = 0; i < 1000; ++i)
        (void)reader.read("1;");
    EXPECT_FALSE(reader.read("q").empty());
}

}  // namespace
}  // namespace headroom::tool
