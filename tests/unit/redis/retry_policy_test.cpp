// SPDX-License-Identifier: Apache-2.0
#include "redis/core/retry_policy.hpp"

#include <gtest/gtest.h>

#include <set>

#include "redis/core/server_reactions.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;

const clock::time_point start{1000s};
constexpr std::string_view loading = "LOADING Redis is loading the dataset in memory";

ended_try refused(std::string_view message) {
    return {.result = outcome::refused, .message = message};
}

ended_try lost(outcome result) {
    return {.result = result, .is_connection_lost = true};
}

retry_policy policy_for(side_effect side, retry_rules rules = {}) {
    return {rules, side, 7};
}

TEST(RetryPolicy, WaitsLongerAfterEachRefusalButNeverMoreThanASecond) {
    auto policy = policy_for(side_effect::not_repeatable);
    auto now = start;
    auto longest = 0ms;
    for (int i = 0; i < 20; ++i) {
        const auto at = policy.next_after(refused(loading), now, start + 1h);
        ASSERT_TRUE(at.has_value());
        const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(*at - now);
        EXPECT_GE(pause, i == 0 ? 25ms : 50ms);
        EXPECT_LE(pause, i == 0 ? 50ms : 1000ms);
        longest = std::max(longest, pause);
        now = *at;
    }
    EXPECT_GE(longest, 500ms);
    EXPECT_EQ(policy.tries(), 21U);
    EXPECT_EQ(policy.tell_tries("LOADING"), "LOADING (after 21 tries)");
}

TEST(RetryPolicy, GivesUpWhenTheNextTryWouldBeginAfterTheDeadline) {
    auto policy = policy_for(side_effect::reads);
    EXPECT_EQ(policy.next_after(refused(loading), start, start + 10ms), std::nullopt);
    EXPECT_EQ(policy.next_after(lost(outcome::not_sent), start, start), std::nullopt);
    EXPECT_EQ(policy.tell_tries("LOADING"), "LOADING");
}

TEST(RetryPolicy, LeavesATryTheTimeToBeAnswered) {
    auto late = policy_for(side_effect::not_repeatable);
    EXPECT_EQ(late.next_after(refused(loading), start, start + 75ms), std::nullopt);
    auto early = policy_for(side_effect::not_repeatable);
    EXPECT_TRUE(early.next_after(refused(loading), start, start + 110ms).has_value());
    auto endless = policy_for(side_effect::not_repeatable);
    EXPECT_TRUE(endless.next_after(refused(loading), start, deadline::max()).has_value());
}

TEST(RetryPolicy, TriesNothingAgainThatLastsUntilSomebodyActs) {
    for (const auto* message : {"OOM command not allowed when used memory > 'maxmemory'.",
                                "MISCONF Redis is configured to save RDB snapshots",
                                "MOVED 3999 127.0.0.1:6381", "NOBODY knows"}) {
        auto policy = policy_for(side_effect::reads);
        EXPECT_EQ(policy.next_after(refused(message), start, start + 1h), std::nullopt) << message;
    }
}

TEST(RetryPolicy, RepeatsReadsOnceAndWritesNeverWhenNobodyKnowsWhetherTheyRan) {
    auto read = policy_for(side_effect::reads);
    EXPECT_EQ(read.next_after(lost(outcome::unknown), start, start + 1s), start);
    EXPECT_EQ(read.next_after(lost(outcome::unknown), start, start + 1s), std::nullopt);
    for (const auto side : {side_effect::idempotent, side_effect::not_repeatable}) {
        auto write = policy_for(side);
        EXPECT_EQ(write.next_after(lost(outcome::unknown), start, start + 1s), std::nullopt);
    }
    auto late = policy_for(side_effect::reads);  // its deadline, not its connection
    EXPECT_EQ(late.next_after({.result = outcome::unknown}, start, start + 1s), std::nullopt);
}

TEST(RetryPolicy, MovesWhatWasNotSentAtOnceAndSlowsDownAfterThreeLosses) {
    auto policy = policy_for(side_effect::not_repeatable);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(policy.next_after(lost(outcome::not_sent), start, start + 1h), start);
    EXPECT_GT(policy.next_after(lost(outcome::not_sent), start, start + 1h), start);
    // For its deadline or a bound of a queue:
    auto full = policy_for(side_effect::reads);
    EXPECT_EQ(full.next_after({.result = outcome::not_sent}, start, start + 1h), std::nullopt);
}

TEST(RetryPolicy, DoesNothingByItselfWhereItIsToldSo) {
    auto policy = policy_for(side_effect::reads, {.refusals = false, .reads = false});
    EXPECT_EQ(policy.next_after(refused(loading), start, start + 1h), std::nullopt);
    EXPECT_EQ(policy.next_after(lost(outcome::not_sent), start, start + 1h), std::nullopt);
    EXPECT_EQ(policy.next_after(lost(outcome::unknown), start, start + 1h), std::nullopt);
}

TEST(RetryPolicy, SpreadsCallersThatWereRefusedTogether) {
    std::set<clock::time_point> instants;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        retry_policy policy({}, side_effect::reads, seed);
        instants.insert(policy.next_after(refused(loading), start, start + 1h).value());
    }
    EXPECT_GT(instants.size(), 10U);
}

TEST(ServerReactions, HaveOneRowForEachWordWithAReasonAndAnAdvice) {
    std::set<std::string_view> words;
    for (const auto& each : all_reactions()) {
        EXPECT_TRUE(words.insert(each.word).second) << each.word;
        EXPECT_FALSE(each.meaning.empty() || each.advice.empty()) << each.word;
        EXPECT_EQ(reaction_to(each.word), &each);
        // Only what has certainly not run is tried again.
        if (each.retry != retry_rule::never) EXPECT_EQ(each.result, outcome::refused);
    }
    EXPECT_EQ(reaction_to("BUSYGROUP Consumer Group name already exists"), nullptr);
    EXPECT_EQ(reaction_to("ERR syntax error"), nullptr);
    EXPECT_EQ(reaction_to(""), nullptr);
}

TEST(ServerReactions, TellAScriptThatBeganFromOneThatDidNot) {
    EXPECT_EQ(outcome_of_message("READONLY You can't write against a read only replica."),
              outcome::refused);
    EXPECT_EQ(outcome_of_message("READONLY You can't write against a read only replica. script: "
                                 "f9, on @user_script:1."),
              outcome::server_error);
}

}  // namespace
}  // namespace headroom::redis
