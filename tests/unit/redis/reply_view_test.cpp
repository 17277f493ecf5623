// SPDX-License-Identifier: Apache-2.0
#include "redis/core/reply_view.hpp"

#include <gtest/gtest.h>

#include <string>

#include "redis/core/resp_parser.hpp"

namespace headroom::redis {
namespace {

using namespace std::string_view_literals;

value parsed(std::string_view bytes) {
    resp_parser parser;
    const auto got = parser.next(bytes);
    return got.value().value();
}

constexpr std::string_view ordinary[] = {
    "+OK\r\n",
    "-ERR no\r\n",
    ":42\r\n",
    ":-42\r\n",
    "$5\r\na\r\nb\0\r\n"sv,
    "$0\r\n\r\n",
    "$-1\r\n",
    "_\r\n",
    "*-1\r\n",
    "*0\r\n",
    "%1\r\n+a\r\n:1\r\n",
    "~2\r\n:1\r\n:2\r\n",
    "*3\r\n*2\r\n:1\r\n$1\r\nx\r\n*1\r\n*0\r\n+end\r\n",
};

TEST(ReplyView, ShowsTheSameAsTheParserReads) {
    for (const auto bytes : ordinary) {
        reply_viewer viewer;
        auto input = bytes;
        const auto* seen = viewer.read(input);
        ASSERT_NE(seen, nullptr) << bytes;
        EXPECT_EQ(to_value(*seen), parsed(bytes)) << bytes;
        EXPECT_TRUE(input.empty()) << bytes;
    }
}

TEST(ReplyView, LiesInTheBufferItWasReadFrom) {
    const std::string buffer = "$5\r\nhello\r\n+next\r\n";
    std::string_view input = buffer;
    reply_viewer viewer;
    const auto* seen = viewer.read(input);
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(seen->text.data(), buffer.data() + 4);
    EXPECT_EQ(input, "+next\r\n");
}

TEST(ReplyView, LeavesTheInputAloneUntilAReplyHasComeWhole) {
    for (const auto whole : ordinary) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            reply_viewer viewer;
            auto input = whole.substr(0, size);
            EXPECT_EQ(viewer.read(input), nullptr) << whole << " cut at " << size;
            EXPECT_EQ(input.size(), size);
        }
    }
}

TEST(ReplyView, LeavesWhatIsUnusualToTheParser) {
    for (const std::string_view bytes :
         {">2\r\n+message\r\n+x\r\n", "|1\r\n+a\r\n+b\r\n:1\r\n", ",1.5\r\n", "#t\r\n",
          "$05\r\nhello\r\n", "$3\r\nhello\r\n", ":1x\r\n", ":12345678901\r\n", "*600\r\n", "?\r\n",
          "\r\n", "+a\nb\r\n"}) {
        reply_viewer viewer;
        auto input = bytes;
        EXPECT_EQ(viewer.read(input), nullptr) << bytes;
        EXPECT_EQ(input, bytes);
    }
}

TEST(ReplyView, GoesNoDeeperThanItsBound) {
    std::string nested;
    for (std::size_t i = 0; i < reply_viewer::depth_max; ++i)
        nested += "*1\r\n";
    std::string_view input;
    const auto fits = nested + ":1\r\n";
    input = fits;
    reply_viewer viewer;
    EXPECT_NE(viewer.read(input), nullptr);
    const auto deeper = "*1\r\n" + fits;
    input = deeper;
    EXPECT_EQ(viewer.read(input), nullptr);
}

TEST(ReplyView, ShowsAValueOfAnySize) {
    value many;
    many.kind = value_kind::array;
    for (std::size_t i = 0; i < 3 * reply_viewer::elements_max; ++i) {
        value one;
        one.kind = value_kind::string;
        one.text = std::to_string(i);
        many.items.push_back(one);
    }
    reply_viewer viewer;
    EXPECT_EQ(to_value(viewer.show(many)), many);
}

TEST(ReplyView, KnowsWhetherAllOfItIsText) {
    reply_viewer viewer;
    std::string_view good = "*2\r\n+a\r\n$2\r\n\xc3\xa9\r\n";
    EXPECT_TRUE(is_text(*viewer.read(good)));
    for (std::string_view bad : {"*2\r\n+a\r\n$2\r\n\xc3\x28\r\n", "*1\r\n-ERR \xc3\x28\r\n"}) {
        const auto* seen = viewer.read(bad);
        ASSERT_NE(seen, nullptr);
        EXPECT_FALSE(is_text(*seen));
        EXPECT_FALSE(is_text(to_value(*seen)));
    }
}

}  // namespace
}  // namespace headroom::redis
