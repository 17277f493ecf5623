// SPDX-License-Identifier: Apache-2.0
#include "redis/core/subscription_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::redis {
namespace {

using kind = subscription_book::request_kind;
using refusal = subscription_book::refusal;
using standing = subscription_book::standing;
using testing::ElementsAre;
using testing::IsEmpty;

topic channel(std::string_view name) {
    return {topic_kind::channel, name};
}
topic pattern(std::string_view name) {
    return {topic_kind::pattern, name};
}

// The next command as one sends it: "+ a b" to subscribe, "- a" to give up, with * for patterns.
std::string take(subscription_book& from) {
    subscription_book::batch batch;
    if (!from.take_batch(batch)) return {};
    std::string text = batch.kind == kind::subscribe ? "+" : "-";
    if (batch.of == topic_kind::pattern) text += "*";
    for (const auto name : batch.names)
        text += " " + std::string(name);
    return text;
}

std::vector<std::string> take_all(subscription_book& from) {
    std::vector<std::string> all;
    for (auto next = take(from); !next.empty(); next = take(from))
        all.push_back(next);
    return all;
}

bool confirm(subscription_book& at, kind what, topic which) {
    return at.on_confirmed(what, which).has_value();
}

TEST(SubscriptionBook, AsksForNothingBeforeItIsConnected) {
    subscription_book book;
    book.add(channel("a"));
    EXPECT_EQ(take(book), "");
    book.on_connected();
    EXPECT_THAT(take_all(book), ElementsAre("+ a"));
    EXPECT_FALSE(book.has_requests());
}

TEST(SubscriptionBook, ConfirmsAChannelOnlyWhenTheServerHas) {
    subscription_book book;
    book.on_connected();
    EXPECT_TRUE(book.is_settled());
    const auto* a = book.add(channel("a"));
    (void)take_all(book);
    EXPECT_EQ(book.of(channel("a")), standing::pending);
    EXPECT_FALSE(book.is_settled());
    EXPECT_EQ(book.on_confirmed(kind::subscribe, channel("a"))->settled, a);
    EXPECT_EQ(book.of(channel("a")), standing::confirmed);
    EXPECT_TRUE(book.is_settled());
}

TEST(SubscriptionBook, UnsubscribesWithTheLastReference) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    book.add(channel("a"));
    EXPECT_THAT(take_all(book), ElementsAre("+ a"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    book.drop(channel("a"));
    EXPECT_THAT(take_all(book), IsEmpty());
    book.drop(channel("a"));
    EXPECT_EQ(book.count(), 0U);
    EXPECT_THAT(take_all(book), ElementsAre("- a"));
    EXPECT_TRUE(confirm(book, kind::unsubscribe, channel("a")));
    EXPECT_EQ(book.known(), 0U);
    book.drop(channel("a"));  // once too often: nothing
    EXPECT_EQ(book.of(channel("a")), standing::unknown);
}

TEST(SubscriptionBook, TellsAChannelFromAPatternOfTheSameName) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a*"));
    book.add(pattern("a*"));
    book.add(channel("b"));
    EXPECT_THAT(take_all(book), ElementsAre("+ a* b", "+* a*"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a*")));
    EXPECT_EQ(book.of(pattern("a*")), standing::pending);
    EXPECT_FALSE(confirm(book, kind::subscribe, pattern("a*")));  // b's is due
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("b")));
    EXPECT_TRUE(confirm(book, kind::subscribe, pattern("a*")));
    EXPECT_EQ(book.count(topic_kind::channel), 2U);
    EXPECT_EQ(book.count(topic_kind::pattern), 1U);
    book.drop(pattern("a*"));
    EXPECT_THAT(take_all(book), ElementsAre("-* a*"));
    EXPECT_EQ(book.of(channel("a*")), standing::confirmed);
}

TEST(SubscriptionBook, IsNotFooledByALateAnswerOfAnEarlierWish) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    (void)take_all(book);
    book.drop(channel("a"));
    (void)take_all(book);
    book.add(channel("a"));
    (void)take_all(book);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_EQ(book.of(channel("a")), standing::pending);  // the unsubscribe is still to come
    EXPECT_TRUE(confirm(book, kind::unsubscribe, channel("a")));
    EXPECT_EQ(book.of(channel("a")), standing::pending);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_EQ(book.of(channel("a")), standing::confirmed);
}

TEST(SubscriptionBook, AsksForNothingWhenAWishIsTakenBackInTime) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    book.drop(channel("a"));
    EXPECT_THAT(take_all(book), IsEmpty());
    EXPECT_TRUE(book.is_settled());
    EXPECT_EQ(book.known(), 0U);
}

TEST(SubscriptionBook, NoticesAnAnswerThatWasNotDue) {
    subscription_book book;
    book.on_connected();
    EXPECT_FALSE(confirm(book, kind::subscribe, channel("a")));
    book.add(channel("a"));
    book.add(channel("b"));
    EXPECT_FALSE(confirm(book, kind::subscribe, channel("a")));  // not asked yet
    (void)take_all(book);
    EXPECT_FALSE(confirm(book, kind::subscribe, channel("b")));
    EXPECT_FALSE(confirm(book, kind::unsubscribe, channel("a")));
    EXPECT_FALSE(confirm(book, kind::ping, {}));
}

TEST(SubscriptionBook, AsksForEverythingAgainOnANewConnection) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    book.add(channel("b"));
    (void)take_all(book);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    book.drop(channel("b"));
    book.on_lost();
    EXPECT_EQ(book.of(channel("a")), standing::pending);
    EXPECT_FALSE(book.is_settled());
    EXPECT_EQ(book.known(), 1U);
    book.on_connected();
    EXPECT_THAT(take_all(book), ElementsAre("+ a"));
    // Lost once more before it is confirmed.
    book.on_lost();
    book.on_connected();
    EXPECT_THAT(take_all(book), ElementsAre("+ a"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_TRUE(book.is_settled());
}

TEST(SubscriptionBook, CountsNoAnswerOfAnEarlierConnection) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    (void)take_all(book);
    book.on_lost();
    EXPECT_FALSE(confirm(book, kind::subscribe, channel("a")));
    book.on_connected();
    EXPECT_FALSE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_EQ(book.of(channel("a")), standing::pending);
}

TEST(SubscriptionBook, IsRestoredWhateverIsAddedMeanwhile) {
    subscription_book book;
    book.add(channel("a"));
    book.add(channel("b"));
    EXPECT_FALSE(book.is_restored());
    book.on_connected();
    const bool a_is_first = take(book) == "+ a b";
    book.add(channel("new"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel(a_is_first ? "a" : "b")));
    EXPECT_FALSE(book.is_restored());
    book.drop(channel(a_is_first ? "b" : "a"));  // nobody misses it
    EXPECT_TRUE(book.is_restored());
    EXPECT_FALSE(book.is_settled());
    book.on_lost();
    EXPECT_FALSE(book.is_restored());
}

TEST(SubscriptionBook, KeepsOtherChannelsWhenOneIsRefused) {
    subscription_book book;
    book.on_connected();
    book.add(channel("x"));
    const auto* secret = book.add(channel("secret"));
    book.add(channel("open"));
    EXPECT_THAT(take_all(book), ElementsAre("+ x secret open"));
    // One error for the whole command: it is not known which one was meant.
    EXPECT_EQ(book.on_refused(refusal::lasting)->settled, nullptr);
    EXPECT_EQ(book.of(channel("x")), standing::pending);
    EXPECT_THAT(take_all(book), ElementsAre("+ x", "+ secret", "+ open"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("x")));
    EXPECT_EQ(book.on_refused(refusal::lasting)->settled, secret);
    EXPECT_EQ(book.of(channel("secret")), standing::denied);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("open")));
    EXPECT_TRUE(book.is_settled() && book.is_restored());
    EXPECT_THAT(take_all(book), IsEmpty());  // not asked in a hot loop
    book.on_lost();
    book.on_connected();
    // Rights may have changed; but it spoils nobody else's command again.
    EXPECT_THAT(take_all(book),
                testing::UnorderedElementsAre("+ secret", testing::AnyOf("+ x open", "+ open x")));
}

TEST(SubscriptionBook, AsksAgainForWhatWasDeniedWhenSomebodyElseWantsIt) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    (void)take_all(book);
    (void)book.on_refused(refusal::lasting);
    EXPECT_EQ(book.of(channel("a")), standing::denied);
    book.add(channel("a"));
    EXPECT_EQ(book.of(channel("a")), standing::pending);
    EXPECT_THAT(take_all(book), ElementsAre("+ a"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_EQ(book.of(channel("a")), standing::confirmed);
}

TEST(SubscriptionBook, AsksAgainForWhatABusyServerRefused) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    book.add(channel("b"));
    (void)take_all(book);
    EXPECT_EQ(book.on_refused(refusal::passing)->settled, nullptr);
    EXPECT_EQ(book.of(channel("a")), standing::pending);
    EXPECT_THAT(take_all(book), ElementsAre("+ a b"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("b")));
    book.add(channel("c"));
    (void)take_all(book);
    (void)book.on_refused(refusal::passing);
    EXPECT_EQ(book.of(channel("c")), standing::pending);  // nor is one by itself denied
    EXPECT_THAT(take_all(book), ElementsAre("+ c"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("c")));
    book.drop(channel("a"));
    (void)take_all(book);
    (void)book.on_refused(refusal::passing);
    EXPECT_THAT(take_all(book), ElementsAre("- a"));
    EXPECT_TRUE(confirm(book, kind::unsubscribe, channel("a")));
    EXPECT_EQ(book.known(), 2U);
}

TEST(SubscriptionBook, LetsARefusedCommandNotUndoWhatWasAskedAfterIt) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    book.add(channel("b"));
    (void)take_all(book);
    book.drop(channel("a"));
    book.add(channel("c"));
    EXPECT_THAT(take_all(book), ElementsAre("- a", "+ c"));
    book.add(channel("a"));
    EXPECT_THAT(take_all(book), ElementsAre("+ a"));
    (void)book.on_refused(refusal::lasting);  // + a b
    EXPECT_THAT(take_all(book), ElementsAre("+ b"));
    EXPECT_TRUE(confirm(book, kind::unsubscribe, channel("a")));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("c")));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_EQ(book.of(channel("a")), standing::confirmed);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("b")));
    EXPECT_TRUE(book.is_settled());
}

// The wish changed twice while the server was busy, and it has taken the right away meanwhile: it
// still delivers what it has never been told to stop.
TEST(SubscriptionBook, KnowsThatARefusedUnsubscribeHasChangedNothing) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    (void)take_all(book);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    book.drop(channel("a"));
    (void)take_all(book);
    book.add(channel("a"));
    (void)take_all(book);
    (void)book.on_refused(refusal::passing);  // - a
    (void)book.on_refused(refusal::lasting);  // + a
    EXPECT_EQ(book.of(channel("a")), standing::confirmed);
    book.drop(channel("a"));
    EXPECT_THAT(take_all(book), ElementsAre("- a"));
}

TEST(SubscriptionBook, AsksOnceOnlyToLeaveWhatItMayNotLeave) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    (void)take_all(book);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    book.drop(channel("a"));
    EXPECT_THAT(take_all(book), ElementsAre("- a"));
    (void)book.on_refused(refusal::lasting);
    EXPECT_THAT(take_all(book), IsEmpty());
    EXPECT_EQ(book.known(), 0U);
}

TEST(SubscriptionBook, TakesARefusalInTheMiddleOfACommandForNonsense) {
    subscription_book book;
    book.on_connected();
    book.add(channel("a"));
    book.add(channel("b"));
    (void)take_all(book);
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_FALSE(book.on_refused(refusal::lasting).has_value());
}

TEST(SubscriptionBook, TellsARefusedPingFromARefusedChannel) {
    subscription_book book;
    book.on_connected();
    EXPECT_FALSE(book.on_refused(refusal::lasting).has_value());
    book.add(channel("a"));
    (void)take_all(book);
    book.on_ping_sent();
    EXPECT_TRUE(book.is_answer_due());
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_EQ(book.on_refused(refusal::lasting)->kind, kind::ping);
    EXPECT_FALSE(book.is_answer_due());
    EXPECT_EQ(book.of(channel("a")), standing::confirmed);
}

TEST(SubscriptionBook, PutsNoMoreNamesIntoACommandThanItsBound) {
    subscription_book book({.batch_names = 3, .window_names = 100});
    book.on_connected();
    for (const auto* name : {"a", "b", "c", "d"})
        book.add(channel(name));
    EXPECT_THAT(take_all(book), ElementsAre("+ a b c", "+ d"));
}

TEST(SubscriptionBook, PutsNoMoreBytesIntoACommandThanItsBoundUnlessOneNameHasThem) {
    subscription_book book({.batch_bytes = 60});
    const std::string long_name(200, 'x');
    book.on_connected();
    book.add(channel("aaaa"));
    book.add(channel("bbbb"));
    book.add(channel("cccc"));
    book.add(channel(long_name));
    book.add(channel("d"));
    EXPECT_THAT(take_all(book), ElementsAre("+ aaaa bbbb cccc", "+ " + long_name, "+ d"));
}

TEST(SubscriptionBook, KeepsNoMoreUnansweredThanItsWindow) {
    subscription_book book({.batch_names = 2, .window_names = 5});
    book.on_connected();
    for (const auto* name : {"a", "b", "c", "d", "e", "f"})
        book.add(channel(name));
    EXPECT_THAT(take_all(book), ElementsAre("+ a b", "+ c d"));
    EXPECT_EQ(book.names_due(), 4U);
    EXPECT_TRUE(book.has_requests());
    // No command of one name as soon as there is room for one.
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("a")));
    EXPECT_THAT(take_all(book), ElementsAre("+ e f"));
    EXPECT_FALSE(book.has_requests());
}

TEST(SubscriptionBook, KeepsNoMoreBytesUnansweredThanItsWindow) {
    subscription_book book({.batch_bytes = 20, .window_bytes = 40});
    book.on_connected();
    for (const auto* name : {"aaaa", "bbbb", "cccc"})
        book.add(channel(name));
    EXPECT_THAT(take_all(book), ElementsAre("+ aaaa", "+ bbbb"));
    EXPECT_TRUE(confirm(book, kind::subscribe, channel("aaaa")));
    EXPECT_THAT(take_all(book), ElementsAre("+ cccc"));
}

TEST(SubscriptionTable, FindsWhatItHoldsThroughGrowthAndErasure) {
    subscription_table table;
    std::set<std::string> expected;
    for (int i = 0; i < 1'000; ++i) {
        const auto name = std::to_string(i);
        EXPECT_EQ(table.get({topic_kind::channel, name}).name(), name);
        expected.insert(name);
    }
    EXPECT_EQ(&table.get(channel("7")), table.find(channel("7")));
    EXPECT_EQ(table.find(pattern("7")), nullptr);
    table.for_each([&](subscription& each) {
        if (each.name().ends_with('3')) {
            expected.erase(std::string(each.name()));
            table.erase(each);
        }
    });
    EXPECT_EQ(table.size(), expected.size());
    table.for_each(
        [&](subscription& each) { EXPECT_EQ(expected.erase(std::string(each.name())), 1U); });
    EXPECT_TRUE(expected.empty());
    EXPECT_EQ(table.get(channel("")).name(), "");
}

}  // namespace
}  // namespace headroom::redis
