// SPDX-License-Identifier: Apache-2.0
#include "redis/core/command_traits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// command("SET", "k", "v") from "SET k v"
command words(std::string_view line) {
    std::vector<std::string> each;
    for (std::size_t at = 0; at <= line.size();) {
        const auto end = std::min(line.find(' ', at), line.size());
        each.emplace_back(line.substr(at, end - at));
        at = end + 1;
    }
    command made(each.front());
    for (std::size_t i = 1; i < each.size(); ++i)
        made.arg(each[i]);
    return made;
}

TEST(CommandTable, FindsEachOfItsRowsInAnyCase) {
    for (const auto& row : all_traits()) {
        EXPECT_EQ(find_traits(row.name), &row) << row.name;
        std::string lower(row.name);
        std::ranges::transform(lower, lower.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        EXPECT_EQ(find_traits(lower), &row) << lower;
        EXPECT_EQ(find_traits(std::string(row.name) + "!"), nullptr) << row.name;
    }
    for (const auto* name : {"", "G", "JSON.GET", "GEU", "PUBLISHE", "RESTORE\rASKING"})
        EXPECT_EQ(find_traits(name), nullptr) << name;
    EXPECT_EQ(find_traits(std::string(100'000, 'X')), nullptr);
}

// The figure is in the test's report; the bound only catches a look-up that has become a search.
TEST(CommandTable, LooksANameUpInNanoseconds) {
    const command each[] = {command("GET", "k"), command("SET", "k", "v"),
                            command("PUBLISH", "c", "m")};
    double best = 1e9;
    constexpr int rounds = 10'000;
    int found = 0;
    for (int batch = 0; batch < 30; ++batch) {
        const auto began = std::chrono::steady_clock::now();
        for (int i = 0; i < rounds; ++i) {
            for (const auto& what : each)
                found += effect_of(what) == command_effect::none ? 1 : 0;
        }
        const std::chrono::duration<double, std::nano> took =
            std::chrono::steady_clock::now() - began;
        best = std::min(best, took.count() / (rounds * 3));
    }
    EXPECT_EQ(found, 30 * rounds * 3);
    RecordProperty("nanoseconds", std::to_string(best));
    std::printf("effect_of: %.1f ns\n", best);
    EXPECT_LT(best, 1000);
}

TEST(CommandTraits, KeepOffTheSharedLaneWhatWouldHurtOthers) {
    EXPECT_EQ(effect_of(command("GET", "k")), command_effect::none);
    EXPECT_EQ(effect_of(command("PUBLISH", "c", "m")), command_effect::none);
    EXPECT_EQ(effect_of(command("ARBITRARILYLONGCOMMAND")), command_effect::none);
    EXPECT_EQ(effect_of(command("")), command_effect::none);
    EXPECT_EQ(effect_of(command("blpop", "k", 0)), command_effect::blocks);
    EXPECT_EQ(effect_of(command("Multi")), command_effect::transaction);
    EXPECT_EQ(effect_of(command("SELECT", 1)), command_effect::session);
    EXPECT_EQ(effect_of(command("PSUBSCRIBE", "*")), command_effect::pairing);
    EXPECT_EQ(effect_of(command("HELLO", 3)), command_effect::pairing);
    EXPECT_EQ(effect_of(command("RESET")), command_effect::pairing);
    EXPECT_EQ(effect_of(words("DEBUG SLEEP 1")), command_effect::administers);
    EXPECT_EQ(effect_of(words("SHUTDOWN NOSAVE")), command_effect::administers);
    EXPECT_EQ(effect_of(words("FAILOVER")), command_effect::administers);
    EXPECT_EQ(effect_of(words("SCRIPT DEBUG YES")), command_effect::session);
    EXPECT_EQ(effect_of(words("SCRIPT LOAD return")), command_effect::none);
}

TEST(CommandTraits, LookAtArgumentsWhereTheyDecide) {
    EXPECT_EQ(effect_of(words("XREAD COUNT 1 STREAMS BLOCK 0")), command_effect::none);
    EXPECT_EQ(effect_of(words("XREAD block 0 STREAMS s $")), command_effect::blocks);
    EXPECT_EQ(effect_of(words("XREADGROUP GROUP BLOCK c STREAMS s >")), command_effect::none);
    EXPECT_EQ(effect_of(words("XREADGROUP GROUP g c BLOCK 5 STREAMS s >")), command_effect::blocks);
    EXPECT_EQ(effect_of(words("CLIENT LIST")), command_effect::none);
    EXPECT_EQ(effect_of(words("CLIENT setname x")), command_effect::session);
    EXPECT_EQ(effect_of(words("CLIENT NO-EVICT ON")), command_effect::session);
    EXPECT_EQ(effect_of(words("CLIENT REPLY OFF")), command_effect::pairing);
    EXPECT_EQ(effect_of(words("CLIENT SOMETHING-NEW")), command_effect::session);
    EXPECT_EQ(effect_of(command("CLIENT")), command_effect::session);
}

TEST(CommandTraits, TellWhichCommandsMayRunTwice) {
    for (const auto* line :
         {"GET k", "mget a b", "PING", "XRANGE s - +", "EVAL_RO x 0", "SCAN 0", "SORT k",
          "GEORADIUS k 1 1 1 km", "BITFIELD k GET u8 0", "GETEX k", "HGETEX k FIELDS 1 f",
          "CONFIG GET maxclients", "OBJECT ENCODING k", "XREAD STREAMS s 0"})
        EXPECT_EQ(side_effect_of(words(line)), side_effect::reads) << line;
    for (const auto* line :
         {"SET k v", "SET k NX", "SET k v EX 5", "DEL k", "EXPIRE k 5", "HSET k f v", "SADD k m",
          "ZADD k 1 INCR", "ZADD k NX 1 m", "GETEX k PERSIST", "HGETEX k EX 5 FIELDS 1 f",
          "XACK s g 1-1", "CONFIG SET maxclients 5"})
        EXPECT_EQ(side_effect_of(words(line)), side_effect::idempotent) << line;
    for (const auto* line :
         {"SET k v NX", "SET k v EX 5 get", "INCR k", "LPUSH k v", "PUBLISH c m", "EVAL x 0",
          "EVALSHA x 0", "ZADD k INCR 1 m", "SORT k STORE d", "BITFIELD k INCRBY u8 0 1",
          "GETDEL k", "SPOP k", "XADD s * f v", "XREADGROUP GROUP g c STREAMS s >", "SETNX k v",
          "EXEC", "MODULE.COMMAND k", "CLIENT KILL ID 1"})
        EXPECT_EQ(side_effect_of(words(line)), side_effect::not_repeatable) << line;
}

TEST(CommandTraits, FindKeysByPositionCountAndWord) {
    EXPECT_THAT(keys_of(words("GET k")), ElementsAre("k"));
    EXPECT_THAT(keys_of(words("MSET a 1 b 2")), ElementsAre("a", "b"));
    EXPECT_THAT(keys_of(words("BLPOP a b 0")), ElementsAre("a", "b"));
    EXPECT_THAT(keys_of(words("EVAL s 2 a b arg")), ElementsAre("a", "b"));
    EXPECT_THAT(keys_of(words("ZUNIONSTORE d 2 a b WEIGHTS 1 2")), ElementsAre("d", "a", "b"));
    EXPECT_THAT(keys_of(words("XREADGROUP GROUP STREAMS c COUNT 2 STREAMS a b > >")),
                ElementsAre("a", "b"));
    EXPECT_THAT(keys_of(words("SORT k BY x STORE d")), ElementsAre("k", "d"));
    EXPECT_THAT(keys_of(command("MIGRATE", "h", 1, "", 0, 5, "KEYS", "a", "b")),
                ElementsAre("a", "b"));
    EXPECT_THAT(keys_of(words("XINFO STREAM s")), ElementsAre("s"));
    EXPECT_THAT(keys_of(words("PUBLISH c m")), IsEmpty());
    EXPECT_THAT(keys_of(words("MODULE.GET k")), IsEmpty());
}

TEST(CommandTraits, FindNoMoreKeysThanThereAreWords) {
    EXPECT_THAT(keys_of(words("EVAL s 99999999999 a")), ElementsAre("a"));
    EXPECT_THAT(keys_of(words("EVAL s -1 a")), IsEmpty());
    EXPECT_THAT(keys_of(words("EVAL s")), IsEmpty());
    EXPECT_THAT(keys_of(words("GET")), IsEmpty());
    EXPECT_THAT(keys_of(words("XREAD STREAMS")), IsEmpty());
    EXPECT_THAT(keys_of(words("BLPOP")), IsEmpty());
}

TEST(CommandTraits, KnowHowLongACommandMayBlock) {
    EXPECT_EQ(block_time_of(words("BLPOP a b 1.5")), 1500ms);
    EXPECT_EQ(block_time_of(words("BLPOP a 0")), std::nullopt);
    EXPECT_EQ(block_time_of(words("BLMPOP 2 1 a LEFT")), 2000ms);
    EXPECT_EQ(block_time_of(words("BLMOVE a b LEFT RIGHT 3")), 3000ms);
    EXPECT_EQ(block_time_of(words("XREAD BLOCK 250 STREAMS s $")), 250ms);
    EXPECT_EQ(block_time_of(words("WAIT 1 300")), 300ms);
    EXPECT_EQ(block_time_of(words("BLPOP a soon")), 0ms);
    EXPECT_EQ(block_time_of(words("BLPOP a -1")), 0ms);
    EXPECT_EQ(block_time_of(words("BLPOP a nan")), 0ms);
    EXPECT_EQ(block_time_of(words("BLPOP")), 0ms);
    EXPECT_GT(block_time_of(words("BLPOP a 1e300")), std::chrono::hours(1000));
}

TEST(CommandTraits, KnowWhichAnswersHaveNoBoundButTheData) {
    EXPECT_TRUE(may_answer_much(words("KEYS *")));
    EXPECT_TRUE(may_answer_much(words("SLOWLOG GET")));
    EXPECT_TRUE(may_answer_much(words("client list")));
    EXPECT_FALSE(may_answer_much(words("CLIENT ID")));
    EXPECT_FALSE(may_answer_much(words("GET k")));
}

TEST(CommandTraits, SayWhatToUseInstead) {
    EXPECT_EQ(explain_not_allowed(words("SUBSCRIBE c")),
              "SUBSCRIBE is not answered by exactly one reply: use a subscriber for channels");
    EXPECT_THAT(explain_not_allowed(words("CLIENT NO-EVICT ON")), HasSubstr("CLIENT NO-EVICT"));
    EXPECT_THAT(explain_not_allowed(words("BLPOP a 0")), HasSubstr("execute()"));
    EXPECT_THAT(explain_not_allowed(words("WATCH a")), HasSubstr("lease"));
    EXPECT_THAT(explain_not_allowed(words("MONITOR")), HasSubstr("redis-cli"));
    EXPECT_THAT(explain_not_allowed(words("AUTH secret")), testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace headroom::redis
