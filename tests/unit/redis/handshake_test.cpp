// SPDX-License-Identifier: Apache-2.0
#include "redis/core/handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::redis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> words_of(const handshake& entering) {
    std::vector<std::string> lines;
    for (const auto& each : entering.commands()) {
        std::string line;
        for (std::size_t i = 0; i < each.argument_count(); ++i)
            line += (i == 0 ? "" : " ") + std::string(each.argument(i));
        lines.push_back(line);
    }
    return lines;
}

value reply(value_kind kind, std::string text = {}) {
    value v;
    v.kind = kind;
    v.text = std::move(text);
    return v;
}
const value ok = reply(value_kind::string, "OK");
const value server_facts = reply(value_kind::map);

TEST(Handshake, SaysEverythingInOneGo) {
    handshake entering({"app", "pw", "chat:h:1:async", 3});
    EXPECT_THAT(words_of(entering),
                ElementsAre("HELLO 3 AUTH app pw SETNAME chat:h:1:async", "SELECT 3"));
    entering.on_replies(std::vector{server_facts, ok});
    EXPECT_EQ(entering.current(), handshake::state::done);
    EXPECT_EQ(entering.protocol(), 3);
}

TEST(Handshake, AuthenticatesAsTheDefaultUserWithAPasswordAlone) {
    EXPECT_THAT(words_of(handshake({"", "pw", "n", 0})),
                ElementsAre("HELLO 3 AUTH default pw SETNAME n"));
    EXPECT_THAT(words_of(handshake({})), ElementsAre("HELLO 3"));
}

TEST(Handshake, FallsBackToTheOldProtocolWhereHelloIsUnknown) {
    for (const auto* refusal : {"ERR unknown command `HELLO`, with args beginning with: `3`",
                                "NOPROTO unsupported protocol version"}) {
        handshake entering({"", "pw", "n", 2});
        entering.on_replies(
            std::vector{reply(value_kind::error, refusal),
                        reply(value_kind::error, "NOAUTH Authentication required")});
        ASSERT_EQ(entering.current(), handshake::state::asking);
        EXPECT_THAT(words_of(entering), ElementsAre("AUTH pw", "CLIENT SETNAME n", "SELECT 2"));
        entering.on_replies(std::vector{ok, ok, ok});
        EXPECT_EQ(entering.current(), handshake::state::done);
        EXPECT_EQ(entering.protocol(), 2);
    }
}

TEST(Handshake, IsDoneAtOnceInTheOldProtocolWhenNothingIsToBeSaid) {
    handshake entering({});
    entering.on_replies(std::vector{reply(value_kind::error, "ERR unknown command 'HELLO'")});
    EXPECT_EQ(entering.current(), handshake::state::done);
}

TEST(Handshake, TellsWrongCredentialsFromOtherFailures) {
    for (const auto* refusal : {"WRONGPASS invalid username-password pair or user is disabled.",
                                "NOAUTH HELLO must be called with the client already authenticated",
                                "NOPERM this user has no permissions to run the 'hello' command"}) {
        handshake entering({"", "s3cret", "n", 0});
        entering.on_replies(std::vector{reply(value_kind::error, refusal)});
        EXPECT_EQ(entering.current(), handshake::state::rejected);
        EXPECT_THAT(entering.reason(), HasSubstr(refusal));
        EXPECT_THAT(entering.reason(), Not(HasSubstr("s3cret")));
    }
    handshake full({});
    full.on_replies(std::vector{reply(value_kind::error, "ERR max number of clients reached")});
    EXPECT_EQ(full.current(), handshake::state::failed);
}

TEST(Handshake, ChecksEachReplyAndNamesTheOneThatFailed) {
    handshake entering({"", "", "n", 99});
    entering.on_replies(
        std::vector{server_facts, reply(value_kind::error, "ERR DB index is out of range")});
    EXPECT_EQ(entering.current(), handshake::state::failed);
    EXPECT_EQ(entering.reason(), "SELECT: ERR DB index is out of range");

    handshake strange({});
    strange.on_replies(std::vector{reply(value_kind::string, "220 smtp ready")});
    EXPECT_EQ(strange.current(), handshake::state::failed);
    EXPECT_THAT(strange.reason(), HasSubstr("no Redis server?"));
}

// A server whose AUTH was renamed, or a proxy without it, says what it was told.
TEST(Handshake, RepeatsNoPasswordThatTheServerRepeats) {
    for (const auto* words :
         {"ERR unknown command 'AUTH', with args beginning with: 'app' 's3cret' ",
          "ERR unknown command `AUTH`, with args beginning with: `app`, `s3cr",
          "ERR what is s3cret"}) {
        handshake entering({.username = "app", .password = "s3cret", .name = ""});
        entering.on_replies(std::vector{reply(value_kind::error, "NOPROTO")});
        entering.on_replies(std::vector{reply(value_kind::error, words)});
        EXPECT_EQ(entering.current(), handshake::state::failed);
        EXPECT_THAT(entering.reason(), HasSubstr("AUTH: ERR "));
        EXPECT_THAT(entering.reason(), Not(HasSubstr("s3cr")));
    }
}

TEST(Handshake, SaysTheServersWordsInOneReadableLine) {
    handshake entering({});
    entering.on_replies(
        std::vector{reply(value_kind::error, "ERR \x1b[2J\r\n" + std::string(9999, 'x'))});
    EXPECT_THAT(entering.reason(), HasSubstr("ERR ?[2J??xxx"));
    EXPECT_LE(entering.reason().size(), 250U);
}

}  // namespace
}  // namespace headroom::redis
