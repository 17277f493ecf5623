// SPDX-License-Identifier: Apache-2.0
// What a processor may do with a turn it claimed.
#include "chat/core/turn_life.hpp"

#include <gtest/gtest.h>

#include "chat/core/work_notice.hpp"

namespace headroom::chat {
namespace {

const fencing_token mine{.entry = "5-0", .processor = "ann#2"};
const fencing_token same_entry_before{.entry = "5-0", .processor = "bob#1"};
const fencing_token other_entry{.entry = "4-0", .processor = "bob#1"};

turn_standing running_under(fencing_token owner) {
    return {.state = turn_state::running, .owner = std::move(owner)};
}

TEST(TurnLife, StartsATurnThatWaitsFirstInLine) {
    EXPECT_EQ(judge_claim({.state = turn_state::accepted}, mine), claim_verdict::start);
}

TEST(TurnLife, LetsATurnWaitForItsPredecessor) {
    const turn_standing behind{.state = turn_state::accepted, .has_unended_predecessor = true};
    EXPECT_EQ(judge_claim(behind, mine), claim_verdict::wait);
}

TEST(TurnLife, ResumesWhatTheSameClaimHasStarted) {
    EXPECT_EQ(judge_claim(running_under(mine), mine), claim_verdict::resume);
}

TEST(TurnLife, NeverStartsARunningTurnASecondTime) {
    for (const bool is_silent : {false, true}) {
        for (const auto& owner : {same_entry_before, other_entry}) {
            auto standing = running_under(owner);
            standing.is_owner_silent = is_silent;
            const auto verdict = judge_claim(standing, mine);
            EXPECT_NE(verdict, claim_verdict::start);
            EXPECT_NE(verdict, claim_verdict::resume);
        }
    }
}

TEST(TurnLife, DoesNotResumeAnotherClaimOfTheSameProcessor) {
    const fencing_token earlier{.entry = "5-0", .processor = "ann#1"};
    EXPECT_EQ(judge_claim(running_under(earlier), mine), claim_verdict::leave);
}

TEST(TurnLife, InterruptsATurnWhoseOwnerIsSilent) {
    auto standing = running_under(same_entry_before);
    standing.is_owner_silent = true;
    EXPECT_EQ(judge_claim(standing, mine), claim_verdict::interrupt);
}

TEST(TurnLife, LeavesATurnWhoseOwnerLivesAlthoughItsEntryWasClaimedAgain) {
    EXPECT_EQ(judge_claim(running_under(same_entry_before), mine), claim_verdict::leave);
}

TEST(TurnLife, DropsASecondEntryOfARunningTurn) {
    EXPECT_EQ(judge_claim(running_under(other_entry), mine), claim_verdict::drop);
}

TEST(TurnLife, DropsTheEntryOfAnEndedTurn) {
    for (const auto state : {turn_state::completed, turn_state::error, turn_state::interrupted}) {
        EXPECT_EQ(judge_claim({.state = state, .owner = mine}, mine), claim_verdict::drop);
    }
}

turn_standing asked_to_stop(turn_standing standing) {
    standing.is_stop_requested = true;
    return standing;
}

TEST(TurnLife, StopsATurnInsteadOfStartingIt) {
    EXPECT_EQ(judge_claim(asked_to_stop({.state = turn_state::accepted}), mine),
              claim_verdict::stop);
}

TEST(TurnLife, StopsWhatTheSameClaimHasMarkedRunningButNotRun) {
    EXPECT_EQ(judge_claim(asked_to_stop(running_under(mine)), mine), claim_verdict::stop);
}

TEST(TurnLife, StopsATurnAfterItsPredecessor) {
    const turn_standing behind{.state = turn_state::accepted, .has_unended_predecessor = true};
    EXPECT_EQ(judge_claim(asked_to_stop(behind), mine), claim_verdict::wait);
}

TEST(TurnLife, LeavesTheStopOfARunningTurnToItsOwnerWhoLives) {
    EXPECT_EQ(judge_claim(asked_to_stop(running_under(same_entry_before)), mine),
              claim_verdict::leave);
    EXPECT_EQ(judge_claim(asked_to_stop(running_under(other_entry)), mine), claim_verdict::drop);
}

TEST(TurnLife, InterruptsATurnToBeStoppedWhoseOwnerIsSilent) {
    auto standing = asked_to_stop(running_under(same_entry_before));
    standing.is_owner_silent = true;
    EXPECT_EQ(judge_claim(standing, mine), claim_verdict::interrupt);
}

TEST(TurnLife, TellsAStopWhoseRecordingItDidNotHearOf) {
    const turn_standing stopped{.state = turn_state::interrupted, .owner = mine};
    EXPECT_EQ(judge_claim(asked_to_stop(stopped), mine), claim_verdict::stop);
    EXPECT_EQ(judge_claim(asked_to_stop(stopped), other_entry), claim_verdict::drop);
    EXPECT_EQ(judge_claim(stopped, mine), claim_verdict::drop);
    const turn_standing completed{.state = turn_state::completed, .owner = mine};
    EXPECT_EQ(judge_claim(asked_to_stop(completed), mine), claim_verdict::drop);
}

TEST(TurnLife, ExplainsAnInterruptionByItsCause) {
    const auto stopped = interruption(interruption_cause::stop_requested);
    EXPECT_EQ(stopped.code, "turn_stopped");
    EXPECT_EQ(stopped.message, "Stopped.");
    EXPECT_EQ(interruption(interruption_cause::processor_gone).code, "turn_interrupted");
}

TEST(TurnLife, ReadsEveryStateItWrites) {
    for (const auto state : {turn_state::accepted, turn_state::running, turn_state::completed,
                             turn_state::error, turn_state::interrupted}) {
        EXPECT_EQ(parse_turn_state(to_string(state)), state);
    }
    EXPECT_EQ(parse_turn_state("paused"), std::nullopt);
}

TEST(TurnLife, ReadsEveryTokenItWrites) {
    EXPECT_EQ(parse_fencing_token(to_string(mine)), mine);
    EXPECT_EQ(parse_fencing_token(""), std::nullopt);
    EXPECT_EQ(parse_fencing_token("5-0"), std::nullopt);
    EXPECT_EQ(parse_fencing_token(" ann#2"), std::nullopt);
    EXPECT_EQ(parse_fencing_token("5-0 "), std::nullopt);
}

TEST(TurnLife, ShowsAConversationByItsUnendedTurnsFirst) {
    EXPECT_EQ(conversation_state_of(true, turn_state::error), conversation_state::in_progress);
    EXPECT_EQ(conversation_state_of(false, turn_state::error), conversation_state::error);
    EXPECT_EQ(conversation_state_of(false, turn_state::interrupted), conversation_state::error);
    EXPECT_EQ(conversation_state_of(false, turn_state::completed), conversation_state::idle);
    EXPECT_EQ(conversation_state_of(false, std::nullopt), conversation_state::idle);
}

TEST(TurnLife, ShowsAConversationWhoseLastTurnWasStoppedAsIdle) {
    EXPECT_EQ(conversation_state_of(false, turn_state::interrupted, "turn_stopped"),
              conversation_state::idle);
    EXPECT_EQ(conversation_state_of(true, turn_state::interrupted, "turn_stopped"),
              conversation_state::in_progress);
    EXPECT_EQ(conversation_state_of(false, turn_state::interrupted, "turn_interrupted"),
              conversation_state::error);
}

TEST(WorkNotice, IsReadAsItWasWrittenAndAnythingElseMayMeanAnything) {
    EXPECT_EQ(parse_work_notice(to_string(work_notice::turns_wait)), work_notice::turns_wait);
    EXPECT_EQ(parse_work_notice(to_string(work_notice::stop_requested)),
              work_notice::stop_requested);
    EXPECT_EQ(parse_work_notice("something newer"), work_notice::anything);
    EXPECT_EQ(parse_work_notice(""), work_notice::anything);
}

}  // namespace
}  // namespace headroom::chat
