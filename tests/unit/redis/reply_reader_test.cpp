// SPDX-License-Identifier: Apache-2.0
#include "redis/core/reply_reader.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "reply_builders.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;

using test::integer;
using test::list;
using test::text;

template <class T>
std::optional<T> read(const reply_reader<T>& reader, value from) {
    return reader.read(from);
}

TEST(ReplyReader, ReadsIntegersAndNothingElseAsIntegers) {
    EXPECT_EQ(read(reply::integer, integer(-7)), -7);
    EXPECT_EQ(read(reply::integer, text("7")), std::nullopt);
    EXPECT_EQ(read(reply::integer, {}), std::nullopt);
}

TEST(ReplyReader, TakesNoNegativeCount) {
    EXPECT_EQ(read(reply::count, integer(0)), 0U);
    EXPECT_EQ(read(reply::count, integer(-1)), std::nullopt);
}

TEST(ReplyReader, ReadsFlagsOfBothProtocols) {
    EXPECT_EQ(read(reply::flag, integer(1)), true);
    EXPECT_EQ(read(reply::flag, integer(0, value_kind::boolean)), false);
    EXPECT_EQ(read(reply::flag, integer(2)), std::nullopt);
    EXPECT_EQ(read(reply::flag, text("1")), std::nullopt);
}

TEST(ReplyReader, TellsASetThatDidNotHappenFromOneThatDid) {
    EXPECT_EQ(read(reply::is_done, text("OK")), true);
    EXPECT_EQ(read(reply::is_done, {}), false);
    EXPECT_EQ(read(reply::is_done, text("QUEUED")), std::nullopt);
}

TEST(ReplyReader, TellsAMissingStringFromAnEmptyOne) {
    using found = std::optional<std::string>;
    EXPECT_EQ(read(reply::optional_text, {}), std::optional<found>(found()));
    EXPECT_EQ(read(reply::optional_text, text("")), std::optional<found>(""));
    EXPECT_EQ(read(reply::optional_text, integer(1)), std::nullopt);
    EXPECT_EQ(read(reply::text, {}), std::nullopt);
}

TEST(ReplyReader, ReadsDecimalDigitsWholeOrNotAtAll) {
    EXPECT_EQ(read(reply::digits, text("18446744073709551615")),
              std::numeric_limits<std::uint64_t>::max());
    for (const auto* wrong : {"", "12x", "-1", " 1", "18446744073709551616"})
        EXPECT_EQ(read(reply::digits, text(wrong)), std::nullopt) << wrong;
}

TEST(ReplyReader, ReadsListsOfStringsFromArraysAndSets) {
    const std::vector<std::string> both{"a", "b"};
    EXPECT_EQ(read(reply::texts, list({text("a"), text("b")})), both);
    EXPECT_EQ(read(reply::texts, list({text("a"), text("b")}, value_kind::set)), both);
    EXPECT_EQ(read(reply::texts, list({text("a"), {}})), std::nullopt);
    const std::vector<std::optional<std::string>> with_a_hole{"a", std::nullopt};
    EXPECT_EQ(read(reply::optional_texts, list({text("a"), {}})), with_a_hole);
}

TEST(ReplyReader, ReadsFieldsFromMapsAndFromArrays) {
    const std::vector<field_pair> fields{{"name", "ann"}, {"age", "7"}};
    const std::vector<value> flat{text("name"), text("ann"), text("age"), text("7")};
    EXPECT_EQ(read(reply::fields, list(flat, value_kind::map)), fields);
    EXPECT_EQ(read(reply::fields, list(flat)), fields);
    EXPECT_EQ(read(reply::fields, list({text("name")})), std::nullopt);
    EXPECT_EQ(read(reply::fields, list({text("name"), integer(7)})), std::nullopt);
}

TEST(ReplyReader, TellsNoKeyFromAKeyWithoutEnd) {
    EXPECT_EQ(read(reply::lifetime, integer(-2)), key_lifetime{});
    EXPECT_EQ(read(reply::lifetime, integer(-1)), (key_lifetime{.exists = true, .left = {}}));
    EXPECT_EQ(read(reply::lifetime, integer(1500)), (key_lifetime{.exists = true, .left = 1500ms}));
    EXPECT_EQ(read(reply::lifetime, integer(-3)), std::nullopt);
}

value entry(std::string id, std::string field, std::string content) {
    return list({text(std::move(id)), list({text(std::move(field)), text(std::move(content))})});
}

TEST(ReplyReader, ReadsStreamEntriesWithADeletedOneAmongThem) {
    const std::vector<stream_entry> entries{{"1-0", {{"f", "v"}}}, {"2-0", {}}};
    EXPECT_EQ(read(reply::entries, list({entry("1-0", "f", "v"), list({text("2-0"), {}})})),
              entries);
    EXPECT_EQ(read(reply::entries, list({list({text("1-0")})})), std::nullopt);
    EXPECT_EQ(read(reply::entries, list({text("1-0")})), std::nullopt);
}

TEST(ReplyReader, ReadsStreamPagesOfBothProtocols) {
    const std::vector<stream_page> pages{{"s", {{"1-0", {{"f", "v"}}}}}};
    const auto entries = list({entry("1-0", "f", "v")});
    EXPECT_EQ(read(reply::pages, list({text("s"), entries}, value_kind::map)), pages);
    EXPECT_EQ(read(reply::pages, list({list({text("s"), entries})})), pages);
    EXPECT_EQ(read(reply::pages, {}), std::vector<stream_page>());
    EXPECT_EQ(read(reply::pages, list({text("s"), entries})), std::nullopt);
    EXPECT_EQ(read(reply::pages, list({text("s")}, value_kind::map)), std::nullopt);
}

TEST(ReplyReader, ReadsTheServersTimeToTheMicrosecond) {
    const auto time = read(reply::time, list({text("1700000000"), text("250")}));
    ASSERT_TRUE(time.has_value());
    EXPECT_EQ(time->time_since_epoch(), std::chrono::microseconds(1'700'000'000'000'250));
    EXPECT_EQ(read(reply::time, list({text("1700000000")})), std::nullopt);
    EXPECT_EQ(read(reply::time, list({text("9223372036854775807"), text("0")})), std::nullopt);
    EXPECT_EQ(read(reply::time, list({text("1"), text("1000000")})), std::nullopt);
}

TEST(ReplyReader, ReadsTheRoleFromWhateverFollowsIt) {
    EXPECT_EQ(read(reply::role, list({text("master"), integer(0), list({})})), "master");
    EXPECT_EQ(read(reply::role, list({})), std::nullopt);
}

TEST(ReplyReader, SaysInWordsWhatCameInstead) {
    EXPECT_EQ(describe_kind({}), "nothing");
    EXPECT_EQ(describe_kind(list({{}, {}, {}})), "an array of 3");
    EXPECT_EQ(describe_kind(list({{}, {}}, value_kind::map)), "a map of 1");
}

}  // namespace
}  // namespace headroom::redis
