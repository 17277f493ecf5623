// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>

#include "redis/core/reply_pairing.hpp"

namespace headroom::redis {
namespace {

struct caller {
    int id = 0;
};

TEST(ReplyPairing, GivesRepliesToCallersInTheOrderOfTheirRequests) {
    caller ann{1};
    caller bob{2};
    reply_pairing<caller> pairing;
    (void)pairing.expect(ann, 2);
    (void)pairing.expect(bob, 1);
    EXPECT_EQ(pairing.due(), 3U);

    auto turn = pairing.take();
    EXPECT_EQ(turn->owner, &ann);
    EXPECT_FALSE(turn->is_last);
    turn = pairing.take();
    EXPECT_EQ(turn->owner, &ann);
    EXPECT_TRUE(turn->is_last);
    turn = pairing.take();
    EXPECT_EQ(turn->owner, &bob);
    EXPECT_TRUE(turn->is_last);
    EXPECT_EQ(pairing.due(), 0U);
}

TEST(ReplyPairing, HasNobodyForAReplyThatIsNotDue) {
    reply_pairing<caller> pairing;
    EXPECT_FALSE(pairing.take().has_value());
}

TEST(ReplyPairing, KnowsWhetherTheNextReplyIsToARequestThatHasLeft) {
    caller ann{1};
    reply_pairing<caller> pairing;
    EXPECT_FALSE(pairing.is_asked(100));  // nobody expects anything
    const auto anns = pairing.expect(ann, 1, 100);
    EXPECT_FALSE(pairing.is_asked(100));
    EXPECT_TRUE(pairing.is_asked(101));
    pairing.abandon(anns);
    EXPECT_FALSE(pairing.is_asked(100));
    EXPECT_TRUE(pairing.is_asked(101));
}

TEST(ReplyPairing, SwallowsTheRepliesOfWhoGaveUp) {
    caller ann{1};
    caller bob{2};
    reply_pairing<caller> pairing;
    const auto anns = pairing.expect(ann, 2);
    (void)pairing.expect(bob, 1);
    (void)pairing.take();  // one of Ann's has come before she gives up
    pairing.abandon(anns);
    auto turn = pairing.take();
    EXPECT_EQ(turn->owner, nullptr);
    turn = pairing.take();
    EXPECT_EQ(turn->owner, &bob);
}

TEST(ReplyPairing, NamesThoseStillWaitingWhenTheConnectionIsGone) {
    std::array<caller, 3> callers{{{0}, {1}, {2}}};
    reply_pairing<caller> pairing;
    (void)pairing.expect(callers[0], 1);
    const auto second = pairing.expect(callers[1], 5);
    (void)pairing.expect(callers[2], 1);
    pairing.abandon(second);
    EXPECT_EQ(pairing.take_remaining(), callers.data());
    EXPECT_EQ(pairing.take_remaining(), &callers[2]);
    EXPECT_EQ(pairing.take_remaining(), nullptr);
    EXPECT_EQ(pairing.due(), 0U);
}

// A world of its own books: replies carry the id of their request; nobody may see another's.
TEST(ReplyPairing, NeverMixesRepliesUpUnderRandomAbandoning) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        reply_pairing<caller> pairing;
        std::deque<caller> callers;
        struct request {
            caller* who;
            reply_pairing<caller>::ticket ticket;
            std::size_t due;
            bool is_abandoned = false;
        };
        std::deque<request> sent;
        for (int step = 0; step < 300; ++step) {
            const auto dice = random() % 10;
            if (dice < 4) {
                auto& who = callers.emplace_back(caller{step});
                const auto due = 1 + random() % 3;
                sent.push_back({&who, pairing.expect(who, due), due});
            } else if (dice < 5 && !sent.empty()) {
                auto& one = sent[random() % sent.size()];
                if (!one.is_abandoned) pairing.abandon(one.ticket);
                one.is_abandoned = true;
            } else if (!sent.empty()) {
                auto& front = sent.front();
                const auto turn = pairing.take();
                ASSERT_TRUE(turn.has_value());
                EXPECT_EQ(turn->owner, front.is_abandoned ? nullptr : front.who);
                EXPECT_EQ(turn->is_last, --front.due == 0);
                if (front.due == 0) sent.pop_front();
            } else {
                EXPECT_FALSE(pairing.take().has_value());
            }
        }
    }
}

}  // namespace
}  // namespace headroom::redis
