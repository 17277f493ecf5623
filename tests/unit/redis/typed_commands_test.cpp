// SPDX-License-Identifier: Apache-2.0
// How the typed commands are written, and that each may run where it is meant to: on the lane.
#include "redis/core/typed_commands.hpp"

#include <gtest/gtest.h>

#include "redis/core/command_traits.hpp"
#include "redis/typed_call.hpp"
#include "reply_builders.hpp"

namespace headroom::redis {
namespace {

using namespace commands;
using namespace std::chrono_literals;

template <class T>
std::string words(const typed_command<T>& typed) {
    EXPECT_EQ(typed.what.name(), typed.name);
    EXPECT_EQ(effect_of(typed.what), command_effect::none) << typed.name;
    EXPECT_NE(find_traits(typed.name), nullptr) << typed.name;
    std::string all;
    for (std::size_t i = 0; i < typed.what.argument_count(); ++i)
        all.append(i == 0 ? "" : " ").append(typed.what.argument(i));
    return all;
}

const std::vector<std::string> two{"a", "b"};
const std::vector<field_pair> pairs{{"f", "1"}, {"g", "2"}};

TEST(TypedCommands, WriteCommandsOfTheServerAndOfKeys) {
    EXPECT_EQ(words(ping()), "PING");
    EXPECT_EQ(words(time()), "TIME");
    EXPECT_EQ(words(role()), "ROLE");
    EXPECT_EQ(words(publish("news", "hello")), "PUBLISH news hello");
    EXPECT_EQ(words(exists("k")), "EXISTS k");
    EXPECT_EQ(words(del("k")), "DEL k");
    EXPECT_EQ(words(del(two)), "DEL a b");
    EXPECT_EQ(words(unlink("k")), "UNLINK k");
    EXPECT_EQ(words(unlink(two)), "UNLINK a b");
    EXPECT_EQ(words(expire("k", 90s)), "PEXPIRE k 90000");
    EXPECT_EQ(words(persist("k")), "PERSIST k");
    EXPECT_EQ(words(time_to_live("k")), "PTTL k");
}

TEST(TypedCommands, WriteStringsWithTheirOptions) {
    EXPECT_EQ(words(get("k")), "GET k");
    EXPECT_EQ(words(get_many(two)), "MGET a b");
    EXPECT_EQ(words(set("k", "v")), "SET k v");
    EXPECT_EQ(words(set("k", "v", {.lifetime = 2s, .condition = set_condition::if_absent})),
              "SET k v NX PX 2000");
    EXPECT_EQ(words(set("k", "v", {.lifetime = {}, .condition = set_condition::if_present})),
              "SET k v XX");
    EXPECT_EQ(words(increment("k")), "INCRBY k 1");
    EXPECT_EQ(words(increment("k", -9)), "INCRBY k -9");
}

TEST(TypedCommands, WriteHashesAndLists) {
    EXPECT_EQ(words(hash_get("h", "f")), "HGET h f");
    EXPECT_EQ(words(hash_get_all("h")), "HGETALL h");
    EXPECT_EQ(words(hash_set("h", "f", "1")), "HSET h f 1");
    EXPECT_EQ(words(hash_set("h", pairs)), "HSET h f 1 g 2");
    EXPECT_EQ(words(hash_delete("h", two)), "HDEL h a b");
    EXPECT_EQ(words(hash_increment("h", "f", 3)), "HINCRBY h f 3");
    EXPECT_EQ(words(list_push(list_end::left, "l", "x")), "LPUSH l x");
    EXPECT_EQ(words(list_push(list_end::right, "l", two)), "RPUSH l a b");
    EXPECT_EQ(words(list_pop(list_end::left, "l")), "LPOP l");
    EXPECT_EQ(words(list_pop(list_end::right, "l")), "RPOP l");
    EXPECT_EQ(words(list_range("l", 0, -1)), "LRANGE l 0 -1");
    EXPECT_EQ(words(list_length("l")), "LLEN l");
}

TEST(TypedCommands, WriteStreams) {
    const std::vector<stream_position> from{{"s", "5-0"}, {"t", ">"}};
    EXPECT_EQ(words(stream_add("s", pairs)), "XADD s * f 1 g 2");
    EXPECT_EQ(words(stream_add("s", pairs, stream_bound{.entries_max = 10})),
              "XADD s MAXLEN ~ 10 * f 1 g 2");
    EXPECT_EQ(words(stream_add("s", pairs, stream_bound{.entries_max = 10, .is_exact = true})),
              "XADD s MAXLEN = 10 * f 1 g 2");
    EXPECT_EQ(words(stream_read(from, 7)), "XREAD COUNT 7 STREAMS s t 5-0 >");
    EXPECT_EQ(words(stream_read_group("g", "ann", from, 7)),
              "XREADGROUP GROUP g ann COUNT 7 STREAMS s t 5-0 >");
    EXPECT_EQ(words(stream_range("s", "-", "+", 3)), "XRANGE s - + COUNT 3");
    EXPECT_EQ(words(stream_acknowledge("s", "g", two)), "XACK s g a b");
    EXPECT_EQ(words(stream_delete("s", two)), "XDEL s a b");
    EXPECT_EQ(words(stream_length("s")), "XLEN s");
}

TEST(TypedCommands, NameTheCommandWhoseReplyIsOfAnotherKind) {
    const auto wrong = test::list({{}, {}, {}});
    const auto typed = get("k");
    const auto read = read_reply(typed.name, typed.reader, wrong);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, redis_errc::unexpected_reply);
    EXPECT_EQ(read.error().detail,
              "GET answered an array of 3 where a string or nothing was "
              "expected");
}

TEST(TypedCommands, TellAServerErrorAmongValuesAsExecuteDoes) {
    const auto busy = test::fault("BUSY Redis is busy");
    EXPECT_EQ(read_reply("GET", reply::optional_text, busy).error().code, redis_errc::refused);
    const auto wrong = test::fault("WRONGTYPE Operation against a key");
    const auto read = read_reply("GET", reply::optional_text, wrong);
    EXPECT_EQ(read.error().code, redis_errc::server_error);
    EXPECT_EQ(read.error().detail, wrong.text);
}

}  // namespace
}  // namespace headroom::redis
