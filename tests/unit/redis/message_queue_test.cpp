// SPDX-License-Identifier: Apache-2.0
#include "redis/core/message_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace headroom::redis {
namespace {

using kind = stream_item::kind;
using testing::ElementsAre;

// Everything that is queued, as words: a payload, "lost 3", "gap".
std::vector<std::string> take_all(message_queue& from) {
    std::vector<std::string> words;
    while (auto item = from.pop()) {
        if (item->what == kind::message) words.push_back(item->payload);
        if (item->what == kind::lost) words.push_back("lost " + std::to_string(item->count));
        if (item->what == kind::gap) words.emplace_back("gap");
    }
    return words;
}

TEST(MessageQueue, GivesMessagesInOrderWithTheirChannel) {
    message_queue queue({});
    EXPECT_TRUE(queue.push("news.a", "one"));
    EXPECT_TRUE(queue.push("news.b", "two"));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.pop()->channel, "news.a");
    EXPECT_EQ(queue.pop()->channel, "news.b");
    EXPECT_FALSE(queue.pop().has_value());
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST(MessageQueue, DropsTheOldestAndSaysHowManyWhereTheyAreMissing) {
    message_queue queue({.messages_max = 2});
    for (const auto* each : {"1", "2", "3", "4", "5"})
        EXPECT_TRUE(queue.push({}, each));
    EXPECT_EQ(queue.dropped(), 3U);
    EXPECT_THAT(take_all(queue), ElementsAre("lost 3", "4", "5"));
    EXPECT_TRUE(queue.push({}, "6"));
    EXPECT_THAT(take_all(queue), ElementsAre("6"));
}

TEST(MessageQueue, IsBoundedInBytesToo) {
    message_queue queue({.messages_max = 1'000, .bytes_max = 10'000});
    const std::string large(4'000, 'm');
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(queue.push({}, large));
    EXPECT_LE(queue.bytes(), 10'000U);
    EXPECT_THAT(take_all(queue), ElementsAre("lost 8", large, large));
}

TEST(MessageQueue, LosesAMessageThatIsLargerThanAllItMayHold) {
    message_queue queue({.messages_max = 10, .bytes_max = 1'000});
    EXPECT_TRUE(queue.push({}, "small"));
    EXPECT_TRUE(queue.push({}, std::string(2'000, 'm')));
    EXPECT_TRUE(queue.push({}, "next"));
    EXPECT_THAT(take_all(queue), ElementsAre("lost 2", "next"));
}

TEST(MessageQueue, EndsWithWhatItHasWhenItsPolicyIsToDisconnect) {
    message_queue queue({.messages_max = 2, .when_full = overflow_policy::disconnect});
    EXPECT_TRUE(queue.push({}, "1"));
    EXPECT_TRUE(queue.push({}, "2"));
    EXPECT_FALSE(queue.push({}, "3"));
    EXPECT_TRUE(queue.has_overflowed());
    EXPECT_EQ(queue.pop()->payload, "1");
    EXPECT_FALSE(queue.push({}, "4")) << "it has ended, room or not";
    queue.push_gap();
    EXPECT_THAT(take_all(queue), ElementsAre("2"));
    EXPECT_EQ(queue.dropped(), 1U);
}

TEST(MessageQueue, TellsOneGapWhereTheConnectionWasLost) {
    message_queue queue({});
    EXPECT_TRUE(queue.push({}, "1"));
    queue.push_gap();
    queue.push_gap();
    EXPECT_TRUE(queue.push({}, "2"));
    queue.push_gap();
    EXPECT_THAT(take_all(queue), ElementsAre("1", "gap", "2", "gap"));
    queue.push_gap();
    EXPECT_THAT(take_all(queue), ElementsAre("gap"));
}

TEST(MessageQueue, StillTellsAGapWhoseNeighboursWereDropped) {
    message_queue queue({.messages_max = 1});
    EXPECT_TRUE(queue.push({}, "1"));
    queue.push_gap();
    EXPECT_TRUE(queue.push({}, "2"));
    EXPECT_TRUE(queue.push({}, "3"));
    EXPECT_THAT(take_all(queue), ElementsAre("gap", "lost 2", "3"));
}

TEST(MessageQueue, AccountsForEveryMessageWhateverTheOrder) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        message_queue queue({.messages_max = 1 + random() % 5, .bytes_max = 200 + random() % 800});
        std::uint64_t next = 0;      // to be pushed
        std::uint64_t expected = 0;  // to be taken
        const auto take = [&] {
            const auto item = queue.pop();
            if (!item) return;
            if (item->what == kind::lost) expected += item->count;
            if (item->what == kind::message)
                EXPECT_EQ(std::stoull(item->payload), expected++) << "round " << round;
        };
        for (int step = 0; step < 100; ++step) {
            switch (random() % 5) {
                case 0:
                    queue.push_gap();
                    break;
                case 1:
                    take();
                    break;
                default: {
                    auto payload = std::to_string(next++);
                    payload.resize(payload.size() + random() % 200, ' ');
                    EXPECT_TRUE(queue.push({}, std::move(payload)));
                }
            }
            EXPECT_LE(queue.size(), 5U);
            EXPECT_LE(queue.bytes(), 1'000U + 6 * sizeof(stream_item));
        }
        while (!queue.empty())
            take();
        EXPECT_EQ(expected, next);
    }
}

}  // namespace
}  // namespace headroom::redis
