// SPDX-License-Identifier: Apache-2.0
// What a client may send, who it is, and what a stream may owe. No sockets.
#include <gtest/gtest.h>

#include <string>

#include "chat/core/request_rules.hpp"
#include "chat/core/sse_buffer.hpp"
#include "chat/gateway/chat_message.hpp"
#include "chat/http/response_head.hpp"
#include "chat/http/router.hpp"
#include "chat/sessions/session_gate.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::chat {
namespace {

using http::request;

request post(std::string body, std::string type = "application/json") {
    request made;
    made.method = "POST";
    made.path = "/sse/chat";
    made.headers = {{"Host", "chat.example"}, {"Content-Type", std::move(type)}};
    made.body = std::move(body);
    return made;
}

// "400 missing_text", or "ok".
std::string verdict_on(const request& asked) {
    const auto read = read_chat_message(asked, 5);
    if (read) return "ok";
    const auto& body = read.error().body;
    const auto begin = body.find("\"code\":\"") + 8;
    return std::to_string(read.error().status) + ' ' +
           body.substr(begin, body.find('"', begin) - begin);
}

TEST(StreamId, IsOneTo128OfLettersDigitsAndThreeSigns) {
    EXPECT_TRUE(is_stream_id("aZ09_-."));
    EXPECT_TRUE(is_stream_id(std::string(128, 'a')));
    EXPECT_FALSE(is_stream_id(""));
    EXPECT_FALSE(is_stream_id(std::string(129, 'a')));
    for (const auto* bad : {"a b", "a/b", "\xC3\xA9", "a\n", "a:b"})
        EXPECT_FALSE(is_stream_id(bad)) << bad;
}

TEST(ChatMessage, IsReadOrRefusedWithItsReason) {
    EXPECT_EQ(verdict_on(post(R"({"message":{"text":"hello"}})")), "ok");
    EXPECT_EQ(
        verdict_on(post(R"({"message":{"text":"hello"}})", "Application/JSON; charset=utf-8")),
        "ok");
    EXPECT_EQ(verdict_on(post(R"({"message":{"text":"hello"}})", "text/plain")),
              "415 unsupported_media_type");
    EXPECT_EQ(verdict_on(post("{")), "400 bad_json");
    EXPECT_EQ(verdict_on(post("")), "400 bad_json");
    EXPECT_EQ(verdict_on(post("{\"message\":{\"text\":\"\xff\"}}")), "400 bad_json");
    EXPECT_EQ(verdict_on(post(std::string(100, '[') + std::string(100, ']'))), "400 bad_json");
    for (const auto* body : {"[]", "{}", R"({"message":"hi"})", R"({"message":{}})",
                             R"({"message":{"text":7}})", R"({"message":{"text":" \n "}})"})
        EXPECT_EQ(verdict_on(post(body)), "400 missing_text") << body;
    EXPECT_EQ(verdict_on(post(R"({"message":{"text":"a\u0000b"}})")), "400 text_rejected");
}

TEST(Write, IsRefusedUnlessItSaysThatItBringsJson) {
    EXPECT_FALSE(refuse_other_than_json(post("")));
    EXPECT_FALSE(refuse_other_than_json(post("{}", "APPLICATION/json ; charset=utf-8")));
    for (const auto* type : {"", "text/plain", "application/jsonp", "multipart/form-data"}) {
        const auto refused = refuse_other_than_json(post("{}", type));
        ASSERT_TRUE(refused) << type;
        EXPECT_EQ(refused->status, 415U);
    }
}

TEST(ChatMessage, CountsCharactersNotBytes) {
    EXPECT_EQ(verdict_on(post("{\"message\":{\"text\":\"\u00e4\u00f6\u00fc\u20ac\U0001F600\"}}")),
              "ok");
    EXPECT_EQ(verdict_on(post(R"({"message":{"text":"123456"}})")), "400 message_too_long");
}

TEST(ChatMessage, TakesAConversationOrNone) {
    const std::string id = "a7c9db4f-e812-44ca-950f-59393a89539a";
    const auto read =
        read_chat_message(post(R"({"message":{"text":"hi","conversation_id":")" + id + "\"}}"), 5);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->conversation_id, id);
    EXPECT_EQ(verdict_on(post(R"({"message":{"text":"hi","conversation_id":null}})")), "ok");
    EXPECT_EQ(verdict_on(post(R"({"message":{"text":"hi","conversation_id":"' or 1"}})")),
              "404 no_such_conversation");
    EXPECT_EQ(verdict_on(post(R"({"message":{"text":"hi","conversation_id":7}})")),
              "400 bad_conversation_id");
}

TEST(Session, IsVerifiedWithoutLookUpAndOnlyByItsKey) {
    const session_signer ours{secret("key")};
    const auto made = ours.make();
    EXPECT_EQ(ours.verify(made.token)->id, made.id);
    EXPECT_NE(ours.make().id, made.id);
    EXPECT_FALSE(session_signer{secret("other")}.verify(made.token));
    for (std::size_t at = 0; at < made.token.size(); ++at) {
        auto forged = made.token;
        forged[at] = forged[at] == 'a' ? 'b' : 'a';
        EXPECT_FALSE(ours.verify(forged)) << "byte " << at;
    }
    EXPECT_FALSE(ours.verify(made.token.substr(1)));
    EXPECT_FALSE(ours.verify(made.id));
}

TEST(Session, ComesFromQueryThenHeaderThenCookie) {
    const session_signer signer{secret("key")};
    const auto in_query = signer.make();
    const auto in_header = signer.make();
    const auto in_cookie = signer.make();
    request asked;
    asked.query = {{"session_id", in_query.token}};
    asked.headers = {{"X-Session-ID", in_header.token},
                     {"Cookie", "other=1; headroom_session=" + in_cookie.token}};
    EXPECT_EQ(enter_session(signer, asked)->of.id, in_query.id);
    asked.query = {{"session_id", ""}};
    EXPECT_EQ(enter_session(signer, asked)->of.id, in_header.id);
    asked.headers.erase(asked.headers.begin());
    EXPECT_EQ(enter_session(signer, asked)->of.id, in_cookie.id);
    asked.headers.clear();
    EXPECT_TRUE(enter_session(signer, asked)->is_new);
}

TEST(Session, ForgedIs401AndTakesAForgedCookieAway) {
    const session_signer signer{secret("key")};
    request asked;
    asked.query = {{"session_id", "made-up"}};
    EXPECT_EQ(enter_session(signer, asked).error().status, 401U);
    asked.query.clear();
    asked.headers = {{"Cookie", "headroom_session=made-up"}};
    const auto refused = enter_session(signer, asked);
    ASSERT_FALSE(refused);
    EXPECT_NE(http::response_head(refused.error(), {}).find("Max-Age=0"), std::string::npos);
}

TEST(Origin, OfAnotherSiteIsRefused) {
    const auto status_of = [](std::vector<http::name_and_value> headers) {
        request asked;
        headers.emplace_back("Host", "chat.example:8010");
        asked.headers = std::move(headers);
        const auto refused = refuse_foreign_origin(asked);
        return refused ? refused->status : 200U;
    };
    EXPECT_EQ(status_of({}), 200U);
    EXPECT_EQ(status_of({{"Origin", "http://chat.example:8010"}}), 200U);
    EXPECT_EQ(status_of({{"Sec-Fetch-Site", "same-origin"}}), 200U);
    EXPECT_EQ(status_of({{"Origin", "http://evil.example"}}), 403U);
    EXPECT_EQ(status_of({{"Origin", "null"}}), 403U);
    EXPECT_EQ(status_of({{"Sec-Fetch-Site", "cross-site"}}), 403U);
    EXPECT_EQ(status_of({{"Sec-Fetch-Site", "same-site"}}), 403U);
}

TEST(SseBuffer, WritesFramesInOrderAndForgetsThem) {
    sse_buffer buffer;
    buffer.push({.number = 0, .name = "ready", .data = "{}"});
    buffer.push({.number = 7, .name = "chat_delta", .data = "{1}"});
    EXPECT_EQ(buffer.take(), "event: ready\ndata: {}\n\nid: 7\nevent: chat_delta\ndata: {1}\n\n");
    EXPECT_TRUE(buffer.is_empty());
}

TEST(SseBuffer, TakesNothingMoreOnceItIsFullSoThatNoHoleIsSeen) {
    sse_buffer buffer({.bytes_max = 10'000, .frames_max = 2, .terminal_bytes_max = 0});
    for (std::uint64_t number = 1; number <= 3; ++number)
        buffer.push({.number = number, .name = "chat_delta", .data = "{}"});
    EXPECT_TRUE(buffer.is_too_slow());
    const auto held = buffer.take();
    EXPECT_NE(held.find("id: 2\n"), std::string::npos);
    EXPECT_EQ(held.find("id: 3\n"), std::string::npos);
    buffer.push({.number = 4, .name = "chat_delta", .data = "{}"});
    EXPECT_TRUE(buffer.is_empty());
}

TEST(SseBuffer, HasRoomForTerminalFramesWhenItIsFullOfOthers) {
    sse_buffer buffer({.bytes_max = 10'000, .frames_max = 1, .terminal_bytes_max = 10'000});
    buffer.push({.number = 1, .name = "chat_delta", .data = "{}"});
    buffer.push({.number = 2, .name = "chat_complete", .data = "{}"});
    EXPECT_FALSE(buffer.is_too_slow());
    EXPECT_NE(buffer.take().find("chat_complete"), std::string::npos);
}

TEST(SseBuffer, TakesOneFrameOfAnySize) {
    sse_buffer buffer({.bytes_max = 10, .frames_max = 5, .terminal_bytes_max = 0});
    buffer.push({.number = 1, .name = "chat_delta", .data = std::string(100, 'x')});
    EXPECT_FALSE(buffer.is_too_slow());
}

boost::asio::awaitable<http::response> echo(request, std::string parameter) {
    http::response made;
    made.body = std::move(parameter);
    co_return made;
}

TEST(Router, FindsTheRouteOrSaysWhatIsMissing) {
    http::router routes;
    routes.add("GET", "/things", echo);
    routes.add("GET", "/things/*", echo);
    routes.add("DELETE", "/things/*", echo);
    routes.add("POST", "/things/*/stop", echo);
    const auto ask = [&routes](std::string method, std::string path) {
        request asked;
        asked.method = std::move(method);
        asked.path = std::move(path);
        return test::run_on_loop(routes.answer(std::move(asked)));
    };
    EXPECT_EQ(ask("GET", "/things").status, 200U);
    EXPECT_EQ(ask("HEAD", "/things").status, 200U);
    EXPECT_EQ(ask("GET", "/things/7").body, "7");
    EXPECT_EQ(ask("GET", "/things/").status, 404U);
    EXPECT_EQ(ask("GET", "/things/7/8").status, 404U);
    EXPECT_EQ(ask("GET", "/thing").status, 404U);
    EXPECT_EQ(ask("POST", "/things/7/stop").body, "7");
    EXPECT_EQ(ask("POST", "/things//stop").status, 404U);
    EXPECT_EQ(ask("POST", "/things/stop").status, 405U) << "a thing of that name";
    EXPECT_EQ(ask("POST", "/things/7/8/stop").status, 404U);
    EXPECT_EQ(ask("GET", "/things/7/stop").status, 405U);
    const auto refused = ask("PUT", "/things/7");
    EXPECT_EQ(refused.status, 405U);
    EXPECT_NE(http::response_head(refused, {}).find("Allow: DELETE, GET, HEAD\r\n"),
              std::string::npos);
}

TEST(ResponseHead, LeavesOutAHeaderThatWouldBeginAnother) {
    http::response made;
    made.headers = {{"X-Good", "yes"}, {"X-Bad", "a\r\nSet-Cookie: b"}};
    const auto head = http::response_head(made, {.closes = true});
    EXPECT_NE(head.find("X-Good: yes\r\n"), std::string::npos);
    EXPECT_EQ(head.find("Set-Cookie"), std::string::npos);
    EXPECT_NE(head.find("Connection: close\r\n\r\n"), std::string::npos);
}

TEST(ResponseHead, SaysWhenItIsSent) {
    const auto head = http::response_head({}, {.date = std::chrono::system_clock::time_point{}});
    EXPECT_NE(head.find("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), std::string::npos);
}

}  // namespace
}  // namespace headroom::chat
