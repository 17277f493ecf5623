// SPDX-License-Identifier: Apache-2.0
// Keys, records, titles, times: the small texts of the service.
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "chat/core/backoff.hpp"
#include "chat/core/key_space.hpp"
#include "chat/core/outage_guard.hpp"
#include "chat/core/stream_event.hpp"
#include "chat/core/text_cut.hpp"
#include "chat/core/time_text.hpp"

namespace headroom::chat {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(KeySpace, PutsAllKeysOfAProjectUnderOneHashTag) {
    const key_space keys({.tenant = "home", .project = "default"});
    for (const auto& key : {keys.lane("default"), keys.known_turns(), keys.work_channel(),
                            keys.history("s1"), keys.session_channel("s1"), keys.heartbeat("w")}) {
        EXPECT_TRUE(key.starts_with("{home:default}:")) << key;
    }
}

TEST(KeySpace, KeepsAHostileNameInsideItsTag) {
    const key_space keys({.tenant = "a}b", .project = "c:d"});
    EXPECT_EQ(keys.tag(), "{a%7Db:c%3Ad}");
    const key_space other({.tenant = "a%7Db", .project = "c:d"});
    EXPECT_NE(keys.tag(), other.tag());
}

TEST(KeySpace, ReadsTheSessionOfItsChannel) {
    const key_space keys({.tenant = "home", .project = "default"});
    EXPECT_EQ(keys.session_of(keys.session_channel("s1")), "s1");
    EXPECT_EQ(keys.session_of(keys.work_channel()), "");
}

TEST(StreamEvent, ReadsThePublishedMessage) {
    const auto message = std::string("7 ") + to_record("chat_delta", R"({"a":1})") + "\n8 " +
                         to_record("chat_complete", "{}") + "\n";
    const std::vector<stream_event> expected{{7, "chat_delta", R"({"a":1})"},
                                             {8, "chat_complete", "{}"}};
    EXPECT_EQ(parse_message(message), expected);
}

TEST(StreamEvent, RefusesAMessageOfAnotherForm) {
    for (const auto* message : {"x", "7", "7 ", "7 chat_delta", "7 chat_delta ", "-7 a {}",
                                "99999999999999999999 a {}", "7 a {}\n8\n", "7 a {}\r\n"}) {
        EXPECT_EQ(parse_message(message), std::nullopt) << message;
    }
}

TEST(StreamEvent, CallsEndsTerminalAndDeltasNot) {
    EXPECT_TRUE(is_terminal("chat_complete"));
    EXPECT_TRUE(is_terminal("chat_error"));
    EXPECT_TRUE(is_terminal("gap"));
    EXPECT_FALSE(is_terminal("chat_delta"));
}

TEST(TextCut, CutsBetweenCodePointsAtEveryLength) {
    const std::string text = "aä€😀z";
    for (std::size_t bytes = 0; bytes <= text.size() + 1; ++bytes) {
        const auto cut = prefix_of_bytes(text, bytes);
        EXPECT_LE(cut.size(), bytes);
        EXPECT_TRUE(is_utf8(cut)) << bytes;
        EXPECT_TRUE(std::string_view(text).starts_with(cut));
    }
    EXPECT_EQ(prefix_of_bytes(text, text.size()), text);
}

TEST(TextCut, MakesATitleOfOneLine) {
    EXPECT_EQ(title_of("  how\n\tdo I   sort? ", 80), "how do I sort?");
    EXPECT_EQ(title_of(" \n ", 80), "New conversation");
}

TEST(TextCut, CountsATitleInCodePoints) {
    EXPECT_EQ(title_of("ääääää", 6), "ääääää");
    EXPECT_EQ(title_of("äääääää", 6), "ääääää…");
    EXPECT_EQ(title_of("aaa bbb", 4), "aaa…");
}

TEST(TimeText, WritesMillisecondsInUtc) {
    const auto when = std::chrono::sys_days(std::chrono::January / 31 / 2026) +
                      std::chrono::hours(4) + std::chrono::minutes(5) + milliseconds(6007);
    EXPECT_EQ(to_iso_text(when), "2026-01-31T04:05:06.007Z");
}

TEST(TimeText, WritesTheDateOfAResponseAsHttpHasIt) {
    const auto when = std::chrono::sys_days(std::chrono::November / 6 / 1994) +
                      std::chrono::hours(8) + std::chrono::minutes(49) + milliseconds(37'900);
    EXPECT_EQ(to_http_date(when), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Backoff, DoublesUpToItsBoundAndStaysAboveHalf) {
    backoff pause(7, milliseconds(100), milliseconds(400));
    for (const auto whole : {100, 200, 400, 400}) {
        const auto next = pause.next();
        EXPECT_LE(next, milliseconds(whole));
        EXPECT_GE(next, milliseconds(whole / 2));
    }
    pause.reset();
    EXPECT_LE(pause.next(), milliseconds(100));
}

TEST(OutageGuard, TakesSilenceForDeathOnlyAfterACalmTime) {
    const clock::time_point start{};
    outage_guard guard(seconds(6), seconds(5));
    EXPECT_FALSE(guard.trusted_until(start + seconds(100)));
    guard.on_success(start);
    guard.on_success(start + seconds(4));
    EXPECT_FALSE(guard.trusted_until(start + seconds(5)));
    EXPECT_TRUE(guard.trusted_until(start + seconds(6)));
    guard.on_failure();
    EXPECT_FALSE(guard.trusted_until(start + seconds(60)));
    guard.on_success(start + seconds(60));
    guard.on_success(start + seconds(65));
    EXPECT_TRUE(guard.trusted_until(start + seconds(66)));
}

// A call that waits in the pool until the store is back does not fail.
TEST(OutageGuard, NoticesAnOutageThroughWhichEveryCallHasWaited) {
    const clock::time_point start{};
    outage_guard guard(seconds(6), seconds(5));
    for (int second = 0; second <= 12; second += 4)
        guard.on_success(start + seconds(second));
    EXPECT_EQ(guard.trusted_until(start + seconds(13)), start + seconds(17))
        << "a later answer may have waited through an outage";
    EXPECT_FALSE(guard.trusted_until(start + seconds(17)));
    guard.on_success(start + seconds(18));
    EXPECT_FALSE(guard.trusted_until(start + seconds(18))) << "the living have not renewed yet";
    guard.on_success(start + seconds(22));
    EXPECT_TRUE(guard.trusted_until(start + seconds(24)));
}

}  // namespace
}  // namespace headroom::chat
