// SPDX-License-Identifier: Apache-2.0
#include "redis/core/transaction_rules.hpp"

#include <gtest/gtest.h>

#include "reply_builders.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;

using test::fault;
using test::integer;
using test::list;
using test::text;

const value ok = text("OK");
const value queued = text("QUEUED");

// Two commands between MULTI and EXEC.
transaction_verdict judge(std::vector<value> replies) {
    std::vector<command> two;
    two.emplace_back("INCR", "n");
    two.emplace_back("LPUSH", "l", "x");
    return judge_transaction(frame_transaction(std::move(two)), std::move(replies));
}

TEST(TransactionRules, FrameCommandsWithMultiAndExec) {
    std::vector<command> one;
    one.emplace_back("INCR", "n");
    const auto framed = frame_transaction(std::move(one));
    ASSERT_EQ(framed.size(), 3U);
    EXPECT_EQ(framed[0].name(), "MULTI");
    EXPECT_EQ(framed[1].argument(1), "n");
    EXPECT_EQ(framed[2].name(), "EXEC");
}

TEST(TransactionRules, KeepTheErrorOfOneCommandAmongTheValues) {
    const auto verdict = judge({ok, queued, queued, list({integer(1), fault("WRONGTYPE")})});
    EXPECT_EQ(verdict.end, transaction_end::committed);
    EXPECT_TRUE(verdict.is_left);
    ASSERT_EQ(verdict.values.size(), 2U);
    EXPECT_EQ(verdict.values[0], integer(1));
    EXPECT_TRUE(verdict.values[1].is_error());
}

TEST(TransactionRules, TakeANullOfExecForAConflict) {
    const auto verdict = judge({ok, queued, queued, {}});
    EXPECT_EQ(verdict.end, transaction_end::conflict);
    EXPECT_TRUE(verdict.is_left);
}

TEST(TransactionRules, NameTheCommandThatWasRefusedWhenItWasQueued) {
    const auto verdict =
        judge({ok, queued, fault("ERR wrong number of arguments for 'lpush' command"),
               fault("EXECABORT Transaction discarded because of previous errors.")});
    EXPECT_EQ(verdict.end, transaction_end::aborted);
    EXPECT_TRUE(verdict.is_left);
    EXPECT_EQ(verdict.reason,
              "ERR wrong number of arguments for 'lpush' command (command 2 of 2, LPUSH: none of "
              "the transaction ran)");
    EXPECT_TRUE(verdict.server_message.starts_with("ERR wrong"));
}

TEST(TransactionRules, FindTheCauseInAnExecThatWasRefused) {
    const auto verdict = judge({ok, queued, queued,
                                fault("EXECABORT Transaction discarded because: READONLY You "
                                      "can't write against a read only replica.")});
    EXPECT_EQ(verdict.end, transaction_end::aborted);
    EXPECT_EQ(verdict.server_message, "READONLY You can't write against a read only replica.");
}

TEST(TransactionRules, SayThatCommandsRanApartWhenMultiWasRefused) {
    const auto verdict = judge({fault("NOPERM this user has no permissions to run 'multi'"),
                                integer(1), fault("WRONGTYPE"), fault("ERR EXEC without MULTI")});
    EXPECT_EQ(verdict.end, transaction_end::ran_apart);
    EXPECT_TRUE(verdict.is_left);
    EXPECT_NE(verdict.reason.find("1 of 2 commands ran by themselves"), std::string::npos);
}

TEST(TransactionRules, SayThatNothingRanWhenAllOfItWasRefused) {
    const auto refusal = fault("NOAUTH Authentication required.");
    const auto verdict = judge({refusal, refusal, refusal, refusal});
    EXPECT_EQ(verdict.end, transaction_end::aborted);
    EXPECT_EQ(verdict.server_message, refusal.text);
    EXPECT_FALSE(verdict.is_left);
}

TEST(TransactionRules, DoNotTrustAConnectionWhoseExecWasNotUnderstood) {
    const auto verdict = judge({ok, queued, queued, fault("ERR unknown command 'EXEC'")});
    EXPECT_EQ(verdict.end, transaction_end::aborted);
    EXPECT_FALSE(verdict.is_left);
}

TEST(TransactionRules, CannotReadAnExecWithAnotherNumberOfValues) {
    EXPECT_EQ(judge({ok, queued, queued, list({integer(1)})}).end, transaction_end::unreadable);
    EXPECT_EQ(judge({ok, queued, queued, queued}).end, transaction_end::unreadable);
}

TEST(TransactionRules, RefuseWhatBlocksOrChangesTheConnection) {
    EXPECT_EQ(refusal_in_transaction(command("INCR", "n")), std::nullopt);
    for (const auto* name : {"MULTI", "EXEC", "WATCH", "DISCARD", "SELECT", "SUBSCRIBE", "MONITOR"})
        EXPECT_TRUE(refusal_in_transaction(command(name, "x")).has_value()) << name;
    EXPECT_EQ(refusal_in_transaction(command("BLPOP", "q", 0)),
              "BLPOP blocks its connection: it cannot be part of a transaction");
}

TEST(TransactionRules, PauseLongerAfterEachConflictWithinABound) {
    EXPECT_EQ(pause_after_conflict(1, 1), 2ms);
    EXPECT_EQ(pause_after_conflict(2, 1), 4ms);
    EXPECT_EQ(pause_after_conflict(6, 1), 64ms);
    EXPECT_EQ(pause_after_conflict(4'000'000'000, 1), 64ms);
    EXPECT_EQ(pause_after_conflict(3, 0.5), 4ms);
    EXPECT_EQ(pause_after_conflict(3, 0), 0ms);
}

}  // namespace
}  // namespace headroom::redis
