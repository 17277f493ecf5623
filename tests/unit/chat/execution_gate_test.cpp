// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/execution_gate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace headroom::chat {
namespace {

using arrival = execution_gate::arrival;
using moves = execution_gate::moves;
using ticket = execution_gate::ticket;

execution_gate gate_of(std::uint32_t running_max, std::uint32_t waiting_max) {
    return execution_gate({.running_max = running_max, .waiting_max = waiting_max});
}

TEST(ExecutionGate, LetsAsManyRunAsMayAndLinesUpTheOthers) {
    auto gate = gate_of(2, 2);
    EXPECT_EQ(gate.on_arrived(), (arrival{.who = 1}));
    EXPECT_EQ(gate.on_arrived(), (arrival{.who = 2}));
    EXPECT_EQ(gate.on_arrived(), (arrival{.who = 3, .ahead = 0}));
    EXPECT_EQ(gate.on_arrived(), (arrival{.who = 4, .ahead = 1}));
    EXPECT_EQ(gate.running(), 2U);
    EXPECT_EQ(gate.waiting(), 2U);
}

TEST(ExecutionGate, RefusesOneBeyondTheLineAndTakesTheNextWhenThereIsRoom) {
    auto gate = gate_of(1, 1);
    const auto ann = gate.on_arrived();
    (void)gate.on_arrived();
    EXPECT_EQ(gate.on_arrived(), std::nullopt);
    (void)gate.on_ended(ann->who);
    EXPECT_EQ(gate.on_arrived(), (arrival{.who = 3, .ahead = 0}));
}

TEST(ExecutionGate, StartsTheOldestWhenOneEndsAndTellsTheOthersTheirNewPlaces) {
    auto gate = gate_of(1, 3);
    const auto ann = gate.on_arrived()->who;
    const auto bob = gate.on_arrived()->who;
    const auto cyd = gate.on_arrived()->who;
    const auto dan = gate.on_arrived()->who;
    EXPECT_EQ(gate.on_ended(ann), (moves{.start = {bob}, .waiting = {{cyd, 0}, {dan, 1}}}));
    EXPECT_EQ(gate.on_ended(bob), (moves{.start = {cyd}, .waiting = {{dan, 0}}}));
    EXPECT_EQ(gate.on_ended(cyd), (moves{.start = {dan}}));
    EXPECT_EQ(gate.on_ended(dan), moves{});
    EXPECT_EQ(gate.running(), 0U);
}

TEST(ExecutionGate, TellsOnlyThoseBehindOneThatGivesUp) {
    auto gate = gate_of(1, 3);
    (void)gate.on_arrived();
    const auto bob = gate.on_arrived()->who;
    const auto cyd = gate.on_arrived()->who;
    const auto dan = gate.on_arrived()->who;
    EXPECT_EQ(gate.on_given_up(cyd), (moves{.start = {}, .waiting = {{dan, 1}}}));
    EXPECT_FALSE(gate.is_waiting(cyd));
    EXPECT_EQ(gate.on_given_up(bob), (moves{.start = {}, .waiting = {{dan, 0}}}));
    EXPECT_EQ(gate.on_given_up(dan), moves{});
    EXPECT_EQ(gate.running(), 1U);
}

// The world keeps its own books, each place by counting, and compares after every step.
class gate_world {
public:
    gate_world(std::uint32_t running_max, std::uint32_t waiting_max)
        : running_max_(running_max),
          waiting_max_(waiting_max),
          gate_(gate_of(running_max, waiting_max)) {}

    void arrive() {
        const auto got = gate_.on_arrived();
        if (running_.size() < running_max_) {
            ASSERT_TRUE(got && !got->ahead);
            running_.push_back(got->who);
        } else if (told_.size() < waiting_max_) {
            ASSERT_TRUE(got && got->ahead);
            told_[got->who] = *got->ahead;
        } else {
            ASSERT_FALSE(got);
        }
    }
    void end(std::size_t index) {
        const ticket who = running_[index];
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
        apply(gate_.on_ended(who));
    }
    void give_up(std::size_t index) {
        const auto at = std::next(told_.begin(), static_cast<std::ptrdiff_t>(index));
        const ticket who = at->first;
        told_.erase(at);
        apply(gate_.on_given_up(who));
    }
    void check() const {
        ASSERT_EQ(gate_.running(), running_.size());
        ASSERT_EQ(gate_.waiting(), told_.size());
        ASSERT_LE(running_.size(), running_max_);
        // No place stays empty while somebody waits.
        ASSERT_TRUE(told_.empty() || running_.size() == running_max_);
        std::size_t ahead = 0;
        for (const auto& [who, told] : told_)
            ASSERT_EQ(told, ahead++) << "of ticket " << who;
    }
    [[nodiscard]] std::size_t running() const { return running_.size(); }
    [[nodiscard]] std::size_t waiting() const { return told_.size(); }

private:
    void apply(const moves& made) {
        for (const ticket who : made.start) {
            ASSERT_EQ(who, told_.begin()->first) << "not the oldest";
            told_.erase(told_.begin());
            running_.push_back(who);
        }
        for (const auto& place : made.waiting) {
            ASSERT_NE(told_[place.who], place.ahead) << "told what it knew";
            told_[place.who] = place.ahead;
        }
    }

    std::uint32_t running_max_;
    std::uint32_t waiting_max_;
    execution_gate gate_;
    std::vector<ticket> running_;
    std::map<ticket, std::size_t> told_;  // waiting, by arrival: what each was last told
};

TEST(ExecutionGate, KeepsOrderAndCountsThroughAnyHistory) {
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        gate_world world(1 + random() % 4, random() % 6);
        for (int step = 0; step < 200; ++step) {
            const auto dice = random() % 5;
            if (dice < 2) world.arrive();
            if (dice >= 2 && dice < 4 && world.running() > 0) world.end(random() % world.running());
            if (dice == 4 && world.waiting() > 0) world.give_up(random() % world.waiting());
            ASSERT_NO_FATAL_FAILURE(world.check());
        }
    }
}

}  // namespace
}  // namespace headroom::chat
