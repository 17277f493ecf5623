// SPDX-License-Identifier: Apache-2.0
#include "redis/core/command.hpp"

#include <gtest/gtest.h>

#include <string>

#include "redis/core/command_traits.hpp"
#include "redis/redis_error.hpp"

namespace headroom::redis {
namespace {

TEST(RedisCommand, IsWrittenAsAnArrayOfBulkStrings) {
    const auto set = command("SET", "key", "a\r\nb").arg("PX").arg(1500);
    std::string out = "before";
    set.encode_to(out);
    EXPECT_EQ(out,
              "before*5\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4\r\na\r\nb\r\n$2\r\nPX\r\n$4\r\n1500\r\n");
    EXPECT_EQ(set.encoded_size(), out.size() - 6);
    EXPECT_EQ(set.argument_count(), 5U);
}

TEST(RedisCommand, TellsItsWordsApartFromTheirBytes) {
    const auto odd = command("SET", "$9\r\n", "", "last");
    EXPECT_EQ(odd.name(), "SET");
    EXPECT_EQ(odd.argument(0), "SET");
    EXPECT_EQ(odd.argument(1), "$9\r\n");
    EXPECT_EQ(odd.argument(2), "");
    EXPECT_EQ(odd.argument(3), "last");
    EXPECT_EQ(odd.argument(4), "");
}

value text(value_kind kind, std::string words) {
    value v;
    v.kind = kind;
    v.text = std::move(words);
    return v;
}

TEST(SessionState, IsCleanAgainOnlyWhenATransactionIsProvenOver) {
    const auto ok = text(value_kind::string, "OK");
    session_state session;
    session.on_reply(command("WATCH", "k"), ok);
    EXPECT_FALSE(session.is_clean());
    session.on_reply(command("UNWATCH"), ok);
    EXPECT_TRUE(session.is_clean());

    session.on_reply(command("MULTI"), ok);
    session.on_reply(command("GET", "k"), text(value_kind::string, "QUEUED"));
    EXPECT_FALSE(session.is_clean());
    session.on_reply(command("EXEC"), text(value_kind::error, "NOPERM no EXEC for you"));
    EXPECT_FALSE(session.is_clean());
    session.on_reply(command("EXEC"), text(value_kind::error, "EXECABORT discarded"));
    EXPECT_TRUE(session.is_clean());

    session.on_reply(command("SELECT", 1), ok);
    session.on_reply(command("SELECT", 0), ok);
    EXPECT_FALSE(session.is_clean());
}

TEST(RedisError, TellsRefusalsFromFailures) {
    EXPECT_EQ(classify_server_error("LOADING Redis is loading"), redis_errc::refused);
    EXPECT_EQ(classify_server_error("READONLY You can't write"), redis_errc::refused);
    EXPECT_EQ(classify_server_error("BUSYGROUP Consumer Group name already exists"),
              redis_errc::server_error);
    EXPECT_EQ(classify_server_error("ERR max number of clients reached"), redis_errc::refused);
    EXPECT_EQ(classify_server_error("OOM command not allowed when used memory > 'maxmemory'."),
              redis_errc::refused);
    EXPECT_EQ(classify_server_error("MISCONF Redis is configured to save RDB snapshots"),
              redis_errc::refused);
    EXPECT_EQ(classify_server_error("NOPERM this user has no permissions"),
              redis_errc::server_error);
    EXPECT_EQ(classify_server_error("NOREPLICAS Not enough good replicas to write. script: "
                                    "4ad1, on @user_script:1."),
              redis_errc::server_error)
        << "the script ran up to there";
    EXPECT_EQ(classify_server_error("WRONGTYPE Operation"), redis_errc::server_error);
    EXPECT_EQ(classify_server_error(""), redis_errc::server_error);
}

TEST(RedisValue, KnowsTextFromBytesAtAnyDepth) {
    value list;
    list.kind = value_kind::array;
    list.items = {text(value_kind::string, "caf\xc3\xa9"), list};
    EXPECT_TRUE(is_text(list));
    list.items[1].items.push_back(text(value_kind::string, "\xff"));
    EXPECT_FALSE(is_text(list));
}

}  // namespace
}  // namespace headroom::redis
