// SPDX-License-Identifier: Apache-2.0
// Streams on a real server: order, bounds and what a slow consumer does to itself and nobody else.
#include "redis/message_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <string>
#include <vector>

#include "subscriber_fixture.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using fixture = subscriber_fixture;
using kind = stream_item::kind;
using test::in;
using test::private_redis;

constexpr topic news{topic_kind::channel, "news"};

TEST(MessageStream, GivesWhatIsPublishedInOrderBesidesTheCallback) {
    private_redis server;
    fixture f(server);
    auto stream = f.open_stream(news);
    ASSERT_TRUE(stream.has_value()) << stream.error().what();
    EXPECT_EQ(server.ask("PUBLISH news one"), ":1\r\n");
    EXPECT_EQ(server.ask("PUBLISH news two"), ":1\r\n");
    EXPECT_EQ(f.next(*stream).value()->payload, "one");
    EXPECT_EQ(f.next(*stream).value()->payload, "two");
    EXPECT_THAT(f.told, testing::ElementsAre("news=one", "news=two"));
}

TEST(MessageStream, NamesTheChannelOfAPatternsMessage) {
    private_redis server;
    fixture f(server);
    auto stream = f.open_stream({topic_kind::pattern, "news.*"});
    ASSERT_TRUE(stream.has_value());
    EXPECT_EQ(server.ask("PUBLISH news.a x"), ":1\r\n");
    const auto item = f.next(*stream).value();
    EXPECT_EQ(item->channel, "news.a");
    EXPECT_EQ(item->payload, "x");
}

TEST(MessageStream, SaysNothingCameWhenTheDeadlinePasses) {
    private_redis server;
    fixture f(server);
    auto stream = f.open_stream(news);
    ASSERT_TRUE(stream.has_value());
    const auto started = clock::now();
    const auto item = f.next(*stream, 50ms);
    ASSERT_TRUE(item.has_value());
    EXPECT_FALSE(item->has_value());
    EXPECT_GE(clock::now() - started, 50ms);
}

TEST(MessageStream, LosesTheOldestOfASlowConsumerOnlyAndSaysWhere) {
    private_redis server;
    fixture f(server);
    auto slow = f.open_stream(news, {.messages_max = 3});
    auto large = f.open_stream(news, {.messages_max = 1'000});
    ASSERT_TRUE(slow.has_value() && large.has_value());
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(server.ask("PUBLISH news " + std::to_string(i)), ":1\r\n");
    ASSERT_TRUE(f.was_told("news=99"));
    EXPECT_EQ(f.told.size(), 100U) << "the callback hears all of them";
    EXPECT_EQ(slow->queued(), 3U);
    EXPECT_EQ(slow->dropped(), 97U);
    EXPECT_EQ(f.relay->stats().dropped, 97U);
    const auto lost = f.next(*slow).value();
    EXPECT_EQ(lost->what, kind::lost);
    EXPECT_EQ(lost->count, 97U);
    for (const auto* each : {"97", "98", "99"})
        EXPECT_EQ(f.next(*slow).value()->payload, each);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(f.next(*large).value()->payload, std::to_string(i));
}

TEST(MessageStream, EndsASlowConsumerByItsPolicyAndGivesItsReferenceBack) {
    private_redis server;
    fixture f(server);
    auto stream =
        f.open_stream(news, {.messages_max = 2, .when_full = overflow_policy::disconnect});
    ASSERT_TRUE(stream.has_value());
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(server.ask("PUBLISH news " + std::to_string(i)), ":1\r\n");
    ASSERT_TRUE(f.becomes([&] { return stream->has_ended(); }));
    EXPECT_TRUE(f.becomes([&] { return server.ask("PUBLISH news x") == ":0\r\n"; }));
    EXPECT_EQ(f.relay->channel_count(), 0U);
    EXPECT_EQ(f.next(*stream).value()->payload, "0");
    EXPECT_EQ(f.next(*stream).value()->payload, "1");
    const auto end = f.next(*stream);
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().code, redis_errc::queue_full);
}

TEST(MessageStream, TellsAGapBetweenTheMessagesBeforeAndAfter) {
    private_redis server;
    fixture f(server);
    auto stream = f.open_stream(news);
    ASSERT_TRUE(stream.has_value());
    EXPECT_EQ(server.ask("PUBLISH news before"), ":1\r\n");
    ASSERT_TRUE(f.was_told("news=before"));
    (void)server.ask("CLIENT KILL TYPE pubsub");
    ASSERT_TRUE(f.was_told("restored"));
    EXPECT_EQ(server.ask("PUBLISH news after"), ":1\r\n");
    EXPECT_EQ(f.next(*stream).value()->payload, "before");
    EXPECT_EQ(f.next(*stream).value()->what, kind::gap);
    EXPECT_EQ(f.next(*stream).value()->payload, "after");
}

TEST(MessageStream, UnsubscribesWhenItIsGivenUp) {
    private_redis server;
    fixture f(server);
    {
        auto stream = f.open_stream(news);
        ASSERT_TRUE(stream.has_value());
        auto other = f.open_stream(news);
        ASSERT_TRUE(other.has_value());
        *stream = std::move(*other);
        EXPECT_EQ(server.ask("PUBLISH news x"), ":1\r\n");
        EXPECT_EQ(f.next(*stream).value()->payload, "x");
    }
    EXPECT_EQ(f.relay->channel_count(), 0U);
    EXPECT_TRUE(f.becomes([&] { return server.ask("PUBLISH news x") == ":0\r\n"; }));
}

TEST(MessageStream, EndsWithTheServersWordsWhenItsChannelIsTakenAway) {
    private_redis server;
    fixture f(server);
    auto stream = f.open_stream(news);
    ASSERT_TRUE(stream.has_value());
    ASSERT_TRUE(f.subscribe("other"));
    EXPECT_EQ(server.ask("ACL SETUSER default resetchannels &other"), "+OK\r\n");
    const auto end = f.next(*stream);
    ASSERT_FALSE(end.has_value());
    EXPECT_THAT(end.error().detail, testing::StartsWith("NOPERM"));
    EXPECT_EQ(f.relay->channel_count(), 1U);
    const auto refused = f.open_stream(news);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, testing::StartsWith("NOPERM"));
    EXPECT_EQ(f.relay->channel_count(), 1U);
}

TEST(MessageStream, WakesItsReaderWhenTheSubscriberStops) {
    private_redis server;
    fixture f(server);
    auto stream = f.open_stream(news);
    ASSERT_TRUE(stream.has_value());
    std::optional<error> told;
    asio::co_spawn(f.loop, stream->next(in(20s)),
                   [&](const std::exception_ptr&, const result<std::optional<stream_item>>& item) {
                       if (!item) told = item.error();
                   });
    test::run_on(f.loop, f.relay->stop(in(5s)));
    ASSERT_TRUE(f.becomes([&] { return told.has_value(); }));
    EXPECT_EQ(told->code, redis_errc::closed);
}

TEST(MessageStream, IsHarmlessAfterItsSubscriber) {
    private_redis server;
    std::optional<message_stream> kept;
    {
        fixture f(server);
        auto stream = f.open_stream(news);
        ASSERT_TRUE(stream.has_value());
        kept.emplace(std::move(*stream));
    }
    EXPECT_TRUE(kept->has_ended());
    kept.reset();
}

}  // namespace
}  // namespace headroom::redis
