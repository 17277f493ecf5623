// SPDX-License-Identifier: Apache-2.0
// The name of a connection, its inverse, and the property that ties the two.
#include "base/client_name.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace headroom {
namespace {

constexpr std::array all_kinds{pool_kind::async, pool_kind::async_decode, pool_kind::sync,
                               pool_kind::pg,    pool_kind::executor,     pool_kind::sentinel};

// pid_max of Linux on 64 bits is at most 2^22 (proc(5)); nothing here relies on it.
constexpr std::int64_t linux_pid_max = std::int64_t{1} << 22;

TEST(ClientName, IsPrefixInstancePidAndKind) {
    EXPECT_EQ(format_client_name({"chat", "web-1", 4711}, pool_kind::async_decode),
              "chat:web-1:4711:async_decode");
}

TEST(ClientName, ReplacesEveryByteThatIsNotVisibleAsciiAndEveryColon) {
    EXPECT_EQ(format_client_name({"ch\xC3\xA9t", "\xE4\xB8\xAD:a b\n", 1}, pool_kind::pg),
              "ch__t:____a_b_:1:pg");
}

TEST(ClientName, NamesEmptyPartsWithAnUnderscore) {
    EXPECT_EQ(format_client_name({"", "", 0}, pool_kind::sync), "_:_:0:sync");
}

TEST(ClientName, KeepsTheTailOfALongInstanceBehindAHash) {
    const std::string instance = std::string(300, 'a') + "-i-0f3c";
    const auto name = format_client_name({"chat", instance, linux_pid_max}, pool_kind::pg);
    const auto parsed = parse_client_name(name);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(parsed->prefix, "chat");
    EXPECT_EQ(parsed->pid, linux_pid_max);
    EXPECT_TRUE(parsed->instance.ends_with("-i-0f3c")) << name;
    EXPECT_EQ(parsed->instance.find('~'), 6U) << name;
}

TEST(ClientName, TellsLongInstancesWithTheSameTailApart) {
    const std::string tail(100, 't');
    EXPECT_NE(format_client_name({"chat", "a" + tail, 1}, pool_kind::pg),
              format_client_name({"chat", "b" + tail, 1}, pool_kind::pg));
}

TEST(ClientName, CutsALongPrefixAtItsEndOnly) {
    const auto parsed = parse_client_name(
        format_client_name({std::string(200, 'p'), "web-1", 12345}, pool_kind::async));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->instance, "web-1");
    EXPECT_EQ(parsed->prefix, std::string(parsed->prefix.size(), 'p'));
}

TEST(ClientName, FitsSixtyThreeBytesForEveryKindWithTheLargestPid) {
    const process_identity who{std::string(300, 'p'), std::string(300, 'i'),
                               std::numeric_limits<std::int64_t>::max()};
    for (const auto kind : all_kinds) {
        const auto name = format_client_name(who, kind);
        EXPECT_LE(name.size(), client_name_bytes_max) << name;
        EXPECT_TRUE(name.ends_with(":9223372036854775807:" + std::string(kind))) << name;
    }
}

TEST(ClientName, SharesItsFirstThreePartsBetweenTheKindsOfAProcess) {
    const process_identity who{"chat", std::string(44, 'i'), linux_pid_max};
    const auto stem = [](std::string name) { return name.substr(0, name.rfind(':')); };
    const auto expected = stem(format_client_name(who, pool_kind::async_decode));
    for (const auto kind : all_kinds)
        EXPECT_EQ(stem(format_client_name(who, kind)), expected);
}

TEST(ClientName, ReadsNothingFromForeignNames) {
    for (const char* foreign :
         {"", "redis-cli", "a:b:c", "chat:web:12:lua", "chat:web:x:pg", "chat:web:-1:pg",
          "chat:web:012:pg", "chat:web::pg", ":web:1:pg", "chat::1:pg", "x:chat:web:1:pg",
          "chat:we b:1:pg", "chat:web:1:pg ", "chat:web:99999999999999999999:pg",
          "sidekiq:pg:1:", "chat:\xC3\xA9:1:pg"}) {
        EXPECT_FALSE(parse_client_name(foreign)) << foreign;
    }
    EXPECT_FALSE(parse_client_name("chat:" + std::string(60, 'i') + ":1:pg"));
}

RC_GTEST_PROP(ClientNameProperty, ReadsBackWhatItWrote,
              (const std::string& prefix, const std::string& instance)) {
    const auto pid = *rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max());
    const auto kind = *rc::gen::elementOf(all_kinds);
    const std::size_t repeat = *rc::gen::inRange<std::size_t>(1, 12);
    std::string longer;
    for (std::size_t i = 0; i < repeat; ++i)
        longer += instance;

    const auto name = format_client_name({prefix, longer, pid}, kind);
    RC_ASSERT(name.size() <= client_name_bytes_max);
    RC_ASSERT(std::ranges::all_of(name, [](char c) { return c >= '!' && c <= '~'; }));

    const auto parsed = parse_client_name(name);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(parsed->pid == pid);
    RC_ASSERT(parsed->kind == kind);
    RC_ASSERT(format_client_name({parsed->prefix, parsed->instance, parsed->pid}, kind) == name);

    const bool is_plain = prefix.size() + longer.size() <= 29 && !prefix.empty() &&
                          !longer.empty() && std::ranges::all_of(prefix + longer, [](char c) {
                              return c >= '!' && c <= '~' && c != ':';
                          });
    if (is_plain) RC_ASSERT(parsed->prefix == prefix && parsed->instance == longer);
}

}  // namespace
}  // namespace headroom
