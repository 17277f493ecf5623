// SPDX-License-Identifier: Apache-2.0
#include "redis/script.hpp"

#include <gtest/gtest.h>

#include "redis/core/script_call.hpp"

namespace headroom::redis {
namespace {

std::string words(const command& what) {
    std::string all;
    for (std::size_t i = 0; i < what.argument_count(); ++i)
        all.append(i == 0 ? "" : " ").append(what.argument(i));
    return all;
}

const std::vector<std::string> keys{"k1", "k2"};
const std::vector<std::string> arguments{"a"};

TEST(RedisScript, KnowsItsDigest) {
    // FIPS 180-2, and of the empty text.
    EXPECT_EQ(script("abc").sha(), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(script("").sha(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(RedisScript, IsCalledByDigestAndBySourceWithItsKeysCounted) {
    const script one("return 1");
    EXPECT_EQ(words(one.command_by_sha(keys, arguments)),
              "EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 2 k1 k2 a");
    EXPECT_EQ(words(one.command_by_source(keys, arguments)), "EVAL return 1 2 k1 k2 a");
    EXPECT_EQ(words(one.load()), "SCRIPT LOAD return 1");
}

TEST(RedisScript, IsCalledByTheReadOnlyCommandsWhereDeclaredSo) {
    const script one("return 1", {.key_count = {}, .is_read_only = true});
    EXPECT_TRUE(words(one.command_by_sha({}, {})).starts_with("EVALSHA_RO e0e1"));
    EXPECT_EQ(words(one.command_by_source({}, {})), "EVAL_RO return 1 0");
}

TEST(RedisScript, TakesOnlyTheServersOwnWordForAnUnknownScript) {
    EXPECT_TRUE(is_unknown_script("NOSCRIPT No matching script. Please use EVAL."));
    EXPECT_FALSE(is_unknown_script("NOSCRIPT for tonight"));
    EXPECT_FALSE(is_unknown_script("ERR NOSCRIPT No matching script"));
}

}  // namespace
}  // namespace headroom::redis
