// SPDX-License-Identifier: Apache-2.0
#include "redis/core/resp_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::redis {
namespace {

using namespace std::string_view_literals;

struct outcome {
    std::vector<value> values;
    std::string fault;
    bool is_between_values = false;
    bool operator==(const outcome&) const = default;
};

void feed(resp_parser& parser, std::string_view bytes, outcome& into) {
    while (into.fault.empty()) {
        auto parsed = parser.next(bytes);
        if (!parsed) {
            into.fault = parsed.error().reason;
        } else if (parsed->has_value()) {
            into.values.push_back(std::move(**parsed));
        } else {
            break;
        }
    }
    into.is_between_values = parser.is_between_values();
}

outcome parse(std::initializer_list<std::string_view> pieces, parser_bounds bounds = {}) {
    resp_parser parser(bounds);
    outcome out;
    for (const auto piece : pieces)
        feed(parser, piece, out);
    return out;
}

value string(std::string text) {
    value v;
    v.kind = value_kind::string;
    v.text = std::move(text);
    return v;
}
value integer(std::int64_t number) {
    value v;
    v.kind = value_kind::integer;
    v.integer = number;
    return v;
}
value of(value_kind kind, std::vector<value> items) {
    value v;
    v.kind = kind;
    v.items = std::move(items);
    return v;
}

// Every type, nested, empty, with attributes, and payloads that look like protocol.
constexpr auto golden =
    "+OK\r\n-ERR no\r\n:-42\r\n:+7\r\n$5\r\n>|-$*\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n"
    "*0\r\n*3\r\n:1\r\n$4\r\na\r\nb\r\n*1\r\n#t\r\n"
    "%2\r\n+a\r\n:1\r\n+b\r\n~2\r\n,1.5\r\n,-inf\r\n"
    ">3\r\n+message\r\n$1\r\nc\r\n$3\r\n\0\r\n\r\n"
    "(123456789012345678901234567890\r\n=9\r\ntxt:hello\r\n!9\r\nERR later\r\n"
    "|1\r\n+ttl\r\n:3600\r\n*2\r\n|1\r\n+x\r\n*1\r\n_\r\n:1\r\n#f\r\n"
    "*1\r\n>3\r\n+subscribe\r\n+c\r\n:1\r\n"sv;

TEST(RespParser, ReadsEveryType) {
    const auto got = parse({golden});
    ASSERT_EQ(got.fault, "");
    ASSERT_EQ(got.values.size(), 18U);
    EXPECT_EQ(got.values[0], string("OK"));
    EXPECT_TRUE(got.values[1].is_error());
    EXPECT_EQ(got.values[1].text, "ERR no");
    EXPECT_EQ(got.values[2], integer(-42));
    EXPECT_EQ(got.values[3], integer(7));
    EXPECT_EQ(got.values[4], string(">|-$*"));
    EXPECT_EQ(got.values[5], string(""));
    EXPECT_TRUE(got.values[6].is_null() && got.values[7].is_null() && got.values[8].is_null());
    EXPECT_EQ(got.values[9], of(value_kind::array, {}));
    EXPECT_EQ(got.values[10].items[1], string("a\r\nb"));
    EXPECT_EQ(got.values[10].items[2].items[0].kind, value_kind::boolean);
    EXPECT_EQ(got.values[11].kind, value_kind::map);
    EXPECT_EQ(got.values[11].items[3].kind, value_kind::set);
    EXPECT_EQ(got.values[11].items[3].items[0].number, 1.5);
    EXPECT_TRUE(std::isinf(got.values[11].items[3].items[1].number));
    EXPECT_EQ(got.values[12].kind, value_kind::push);
    EXPECT_EQ(got.values[12].items[2].text, "\0\r\n"sv);
    EXPECT_EQ(got.values[13], string("123456789012345678901234567890"));
    EXPECT_EQ(got.values[14], string("hello"));
    EXPECT_EQ(got.values[15].text, "ERR later");
    EXPECT_TRUE(got.values[15].is_error());
    EXPECT_EQ(got.values[16].items.size(), 2U);  // attributes before and within are skipped
    EXPECT_EQ(got.values[16].items[0], integer(1));
    EXPECT_EQ(got.values[17].items[0].kind, value_kind::push);
    EXPECT_TRUE(got.is_between_values);
}

TEST(RespParser, GivesTheSameValuesForEverySplitInThree) {
    const auto whole = parse({golden});
    for (std::size_t i = 0; i <= golden.size(); ++i) {
        for (std::size_t j = i; j <= golden.size(); ++j) {
            ASSERT_EQ(parse({golden.substr(0, i), golden.substr(i, j - i), golden.substr(j)}),
                      whole)
                << i << ", " << j;
        }
    }
}

TEST(RespParser, GivesTheSameValuesByteByByte) {
    resp_parser parser;
    outcome got;
    for (const char& each : golden)
        feed(parser, {&each, 1}, got);
    EXPECT_EQ(got, parse({golden}));
}

TEST(RespParser, ReadsNumbersAtTheirLimits) {
    const auto got =
        parse({":9223372036854775807\r\n:-9223372036854775808\r\n,nan\r\n,inf\r\n,1e300\r\n"});
    ASSERT_EQ(got.fault, "");
    EXPECT_EQ(got.values[0].integer, INT64_MAX);
    EXPECT_EQ(got.values[1].integer, INT64_MIN);
    EXPECT_TRUE(std::isnan(got.values[2].number));
    EXPECT_EQ(got.values[4].number, 1e300);
}

TEST(RespParser, RefusesWhatNoServerWrites) {
    for (const auto bytes : {"?\r\n"sv,
                             "OK\r\n"sv,
                             "+OK\n"sv,
                             "\r\n"sv,
                             ":\r\n"sv,
                             ":1x\r\n"sv,
                             ":9223372036854775808\r\n"sv,
                             ":+-1\r\n"sv,
                             "$-2\r\n"sv,
                             "$00012\r\n"sv,
                             "$+1\r\n"sv,
                             "$ 1\r\n"sv,
                             "$3\r\nabcd\r\n"sv,
                             "*-2\r\n"sv,
                             "*x\r\n"sv,
                             "#x\r\n"sv,
                             "_x\r\n"sv,
                             ",\r\n"sv,
                             ",1.5x\r\n"sv,
                             "(12a\r\n"sv,
                             "(\r\n"sv,
                             "=2\r\nab\r\n"sv,
                             "$?\r\n"sv,
                             "*?\r\n"sv,
                             ";4\r\n"sv,
                             ".\r\n"sv,
                             "%-1\r\n"sv,
                             "\0\r\n"sv}) {
        const auto whole = parse({bytes});
        EXPECT_NE(whole.fault, "") << bytes;
        for (std::size_t i = 0; i <= bytes.size(); ++i)
            EXPECT_EQ(parse({bytes.substr(0, i), bytes.substr(i)}).fault, whole.fault) << bytes;
    }
}

// Every way of splitting the bytes in two.
TEST(RespParser, DivertsWholeStringsToASinkAndNothingElse) {
    const auto bytes =
        "$5\r\nhello\r\n=9\r\ntxt:world\r\n$0\r\n\r\n*1\r\n$1\r\na\r\n!3\r\nERR\r\n"sv;
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        resp_parser parser;
        std::string sunk;
        parser.divert_strings([&sunk](std::string_view piece) { sunk += piece; });
        outcome out;
        feed(parser, bytes.substr(0, split), out);
        feed(parser, bytes.substr(split), out);
        EXPECT_EQ(out.fault, "") << split;
        EXPECT_EQ(sunk, "helloworld") << split;
        ASSERT_EQ(out.values.size(), 5U) << split;
        EXPECT_EQ(out.values[0], (value{.kind = value_kind::string, .text = {}, .items = {}}));
        EXPECT_EQ(out.values[3].items.front().text, "a");
        EXPECT_EQ(out.values[4].text, "ERR");

        parser.divert_strings({});
        outcome after;
        feed(parser, "$2\r\nok\r\n", after);
        EXPECT_EQ(after.values.front().text, "ok");
    }
}

TEST(RespParser, FindsADivertedStringThatIsLongerThanItsLength) {
    resp_parser parser;
    parser.divert_strings([](std::string_view) {});
    outcome out;
    feed(parser, "$2\r\nhello\r\n", out);
    EXPECT_EQ(out.fault, "a string is longer than its length");
}

TEST(RespParser, FindsADivertedVerbatimStringWithoutAFormat) {
    for (const auto bytes : {"=9\r\nxxxxhello\r\n"sv, "=3\r\ntxt\r\n"sv}) {
        resp_parser parser;
        parser.divert_strings([](std::string_view) {});
        outcome out;
        feed(parser, bytes, out);
        EXPECT_EQ(out.fault, "a verbatim string has no format");
    }
}

TEST(RespParser, RefusesNumbersThatOnlyTheStandardLibraryWrites) {
    for (const auto bytes : {",infinity\r\n"sv, ",INF\r\n"sv, ",NaN\r\n"sv, ",nan(7)\r\n"sv,
                             ",+-1\r\n"sv, ",--1\r\n"sv, ",+\r\n"sv, ",\r\n"sv}) {
        EXPECT_NE(parse({bytes}).fault, "") << bytes;
    }
    EXPECT_EQ(parse({",+inf\r\n,-inf\r\n,-nan\r\n,.5\r\n,-1.\r\n"}).values.size(), 5U);
}

TEST(RespParser, StaysFaultyAfterAFault) {
    resp_parser parser;
    outcome got;
    feed(parser, "?\r\n", got);
    got.fault.clear();
    feed(parser, "+OK\r\n", got);
    EXPECT_NE(got.fault, "");
    EXPECT_TRUE(got.values.empty());
}

TEST(RespParser, BoundsTheDepthOfReplies) {
    const auto nested = [](int depth) {
        std::string bytes;
        for (int i = 0; i < depth; ++i)
            bytes += "*1\r\n";
        return bytes + ":1\r\n";
    };
    EXPECT_EQ(parse({nested(128)}).values.size(), 1U);
    EXPECT_THAT(parse({nested(129)}).fault, testing::HasSubstr("more than 128 deep"));
    EXPECT_THAT(parse({nested(1'000'000)}).fault, testing::HasSubstr("more than 128 deep"));
}

TEST(RespParser, BoundsAnnouncedSizesBeforeAnythingHasCome) {
    EXPECT_THAT(parse({"$2147483648\r\n"}).fault, testing::HasSubstr("at most 536870912"));
    EXPECT_THAT(parse({"*4294967296\r\n"}).fault, testing::HasSubstr("elements"));
    EXPECT_THAT(parse({"%18446744073709551615\r\n"}).fault, testing::HasSubstr("elements"));
    EXPECT_THAT(parse({"$99999999999999999999999\r\n"}).fault, testing::HasSubstr("length"));
    // Many large announcements add up.
    std::string many;
    for (int i = 0; i < 4; ++i)
        many += "*5000000\r\n";
    EXPECT_THAT(parse({many}).fault, testing::HasSubstr("elements"));
}

TEST(RespParser, CountsAnAttributeAsPartOfItsReplyWhereverTheyAreSplit) {
    parser_bounds bounds;
    bounds.reply_bytes_max = 40;
    bounds.elements_max = 12;
    constexpr auto attribute = "|1\r\n+ttl\r\n:3600\r\n"sv;  // 17 bytes
    EXPECT_FALSE(parse({"+OK\r\n", attribute}, bounds).is_between_values);
    EXPECT_EQ(parse({attribute, "$16\r\n0123456789abcdef\r\n"}, bounds).values.size(), 1U);
    EXPECT_THAT(parse({attribute, "$17\r\n0123456789abcdefg\r\n"}, bounds).fault,
                testing::HasSubstr("longer than 40"));
    // What belonged to earlier replies does not add up.
    resp_parser parser(bounds);
    outcome got;
    for (int i = 0; i < 100; ++i) {
        feed(parser, attribute, got);
        feed(parser, "+OK\r\n", got);
    }
    EXPECT_EQ(got.fault, "");
    EXPECT_EQ(got.values.size(), 100U);
}

TEST(RespParser, BoundsLinesAndWholeReplies) {
    parser_bounds bounds;
    bounds.line_bytes_max = 100;
    bounds.reply_bytes_max = 1000;
    EXPECT_EQ(parse({"+" + std::string(97, 'x') + "\r\n"}, bounds).values.size(), 1U);
    EXPECT_NE(parse({"+" + std::string(98, 'x') + "\r\n"}, bounds).fault, "");
    EXPECT_NE(parse({"+" + std::string(200, 'x')}, bounds).fault, "");
    EXPECT_EQ(parse({"$900\r\n" + std::string(900, 'x') + "\r\n"}, bounds).values.size(), 1U);
    EXPECT_THAT(parse({"$1100\r\n" + std::string(1100, 'x') + "\r\n"}, bounds).fault,
                testing::HasSubstr("longer than 1000"));
}

}  // namespace
}  // namespace headroom::redis
