// SPDX-License-Identifier: Apache-2.0
#include "redis/core/subscription_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>

namespace headroom::redis {
namespace {

using request = subscription_book::request;
using kind = subscription_book::request_kind;
using standing = subscription_book::standing;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(SubscriptionBook, AsksForNothingBeforeItIsConnected) {
    subscription_book book;
    book.add("a");
    EXPECT_THAT(book.take_requests(10), IsEmpty());
    book.on_connected();
    EXPECT_THAT(book.take_requests(10), ElementsAre(request{kind::subscribe, "a"}));
    EXPECT_THAT(book.take_requests(10), IsEmpty());
}

TEST(SubscriptionBook, ConfirmsAChannelOnlyWhenTheServerHas) {
    subscription_book book;
    book.on_connected();
    EXPECT_TRUE(book.is_settled());
    book.add("a");
    (void)book.take_requests(10);
    EXPECT_EQ(book.of("a"), standing::pending);
    EXPECT_FALSE(book.is_settled());
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "a"));
    EXPECT_EQ(book.of("a"), standing::confirmed);
    EXPECT_TRUE(book.is_settled());
}

TEST(SubscriptionBook, UnsubscribesWithTheLastReference) {
    subscription_book book;
    book.on_connected();
    book.add("a");
    book.add("a");
    EXPECT_THAT(book.take_requests(10), ElementsAre(request{kind::subscribe, "a"}));
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "a"));
    book.drop("a");
    EXPECT_THAT(book.take_requests(10), IsEmpty());
    book.drop("a");
    EXPECT_EQ(book.channel_count(), 0U);
    EXPECT_THAT(book.take_requests(10), ElementsAre(request{kind::unsubscribe, "a"}));
    EXPECT_TRUE(book.on_confirmed(kind::unsubscribe, "a"));
    book.drop("a");  // once too often: nothing
    EXPECT_EQ(book.of("a"), standing::unknown);
}

TEST(SubscriptionBook, IsNotFooledByALateAnswerOfAnEarlierWish) {
    subscription_book book;
    book.on_connected();
    book.add("a");
    (void)book.take_requests(10);
    book.drop("a");
    (void)book.take_requests(10);
    book.add("a");
    (void)book.take_requests(10);
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "a"));
    EXPECT_EQ(book.of("a"), standing::pending);  // the unsubscribe is still to come
    EXPECT_TRUE(book.on_confirmed(kind::unsubscribe, "a"));
    EXPECT_EQ(book.of("a"), standing::pending);
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "a"));
    EXPECT_EQ(book.of("a"), standing::confirmed);
}

TEST(SubscriptionBook, AsksForNothingWhenAWishIsTakenBackInTime) {
    subscription_book book;
    book.on_connected();
    book.add("a");
    book.drop("a");
    EXPECT_THAT(book.take_requests(10), IsEmpty());
    EXPECT_TRUE(book.is_settled());
}

TEST(SubscriptionBook, NoticesAnAnswerThatWasNotDue) {
    subscription_book book;
    book.on_connected();
    EXPECT_FALSE(book.on_confirmed(kind::subscribe, "a"));
    book.add("a");
    book.add("b");
    (void)book.take_requests(10);
    EXPECT_FALSE(book.on_confirmed(kind::subscribe, "b"));
    EXPECT_FALSE(book.on_confirmed(kind::unsubscribe, "a"));
    EXPECT_FALSE(book.on_confirmed(kind::ping, ""));
}

TEST(SubscriptionBook, AsksForEverythingAgainOnANewConnection) {
    subscription_book book;
    book.on_connected();
    book.add("a");
    book.add("b");
    (void)book.take_requests(10);
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "a"));
    book.drop("b");
    book.on_lost();
    EXPECT_EQ(book.of("a"), standing::pending);
    EXPECT_FALSE(book.is_settled());
    book.on_connected();
    EXPECT_THAT(book.take_requests(10), ElementsAre(request{kind::subscribe, "a"}));
    // Lost once more before it is confirmed.
    book.on_lost();
    book.on_connected();
    EXPECT_THAT(book.take_requests(10), ElementsAre(request{kind::subscribe, "a"}));
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "a"));
    EXPECT_TRUE(book.is_settled());
}

TEST(SubscriptionBook, KeepsOtherChannelsWhenOneIsRefused) {
    subscription_book book;
    book.on_connected();
    book.add("secret");
    book.add("open");
    (void)book.take_requests(10);
    EXPECT_EQ(book.on_denied()->channel, "secret");
    EXPECT_EQ(book.of("secret"), standing::denied);
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "open"));
    EXPECT_TRUE(book.is_settled());
    EXPECT_THAT(book.take_requests(10), IsEmpty());  // not asked in a hot loop
    book.on_lost();
    book.on_connected();
    EXPECT_EQ(book.take_requests(10).size(), 2U);  // rights may have changed
}

TEST(SubscriptionBook, TellsARefusedPingFromARefusedChannel) {
    subscription_book book;
    book.on_connected();
    EXPECT_FALSE(book.on_denied().has_value());
    book.add("a");
    (void)book.take_requests(10);
    book.on_ping_sent();
    EXPECT_TRUE(book.on_confirmed(kind::subscribe, "a"));
    EXPECT_EQ(book.on_denied()->kind, kind::ping);
    EXPECT_EQ(book.of("a"), standing::confirmed);
}

TEST(SubscriptionBook, HandsRequestsOutInBoundedBatches) {
    subscription_book book;
    book.on_connected();
    for (int i = 0; i < 25; ++i)
        book.add(std::to_string(i));
    EXPECT_EQ(book.take_requests(10).size(), 10U);
    EXPECT_TRUE(book.has_requests());
    EXPECT_EQ(book.take_requests(10).size(), 10U);
    EXPECT_EQ(book.take_requests(10).size(), 5U);
    EXPECT_FALSE(book.has_requests());
}

// A server with its own books, answering late, on connections that come and go.
TEST(SubscriptionBook, AgreesWithTheServerAfterAnyHistory) {
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        subscription_book book;
        std::map<std::string, int> wanted;
        std::set<std::string> at_server;
        std::deque<request> on_the_way;
        bool connected = false;
        const auto take = [&] {
            for (auto& each : book.take_requests(1 + random() % 3))
                on_the_way.push_back(std::move(each));
        };
        const auto answer = [&] {
            const auto next = on_the_way.front();
            on_the_way.pop_front();
            if (next.kind == kind::subscribe) at_server.insert(next.channel);
            if (next.kind == kind::unsubscribe) at_server.erase(next.channel);
            ASSERT_TRUE(book.on_confirmed(next.kind, next.channel));
        };
        for (int step = 0; step < 200; ++step) {
            const std::string channel(1, static_cast<char>('a' + random() % 4));
            switch (random() % 8) {
                case 0:
                case 1:
                    book.add(channel);
                    ++wanted[channel];
                    break;
                case 2:
                case 3:
                    book.drop(channel);
                    if (wanted[channel] > 0) --wanted[channel];
                    break;
                case 4:
                case 5:
                    take();
                    break;
                case 6:
                    if (!on_the_way.empty()) answer();
                    break;
                default:
                    if (random() % 5 != 0) break;
                    connected ? book.on_lost() : book.on_connected();
                    connected = !connected;
                    on_the_way.clear();
                    at_server.clear();
            }
            for (const auto& [name, references] : wanted) {
                if (book.of(name) == standing::confirmed) EXPECT_TRUE(at_server.contains(name));
                EXPECT_EQ(book.of(name) != standing::unknown, references > 0);
            }
        }
        if (!connected) book.on_connected();
        while (book.has_requests() || !on_the_way.empty()) {
            take();
            if (!on_the_way.empty()) answer();
        }
        EXPECT_TRUE(book.is_settled());
        for (const auto& [name, references] : wanted)
            EXPECT_EQ(at_server.contains(name), references > 0) << name;
    }
}

}  // namespace
}  // namespace headroom::redis
