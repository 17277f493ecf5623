// SPDX-License-Identifier: Apache-2.0
// The channel level on a real Redis: when a client is made, what is heard.
#include "chat/relay/service_communicator.hpp"

#include <gtest/gtest.h>

#include "chat/core/chat_error.hpp"
#include "integration/chat/chat_world.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::wait_until;

constexpr auto connection_name = "chat:host-1:42:async";

// A communicator that makes its client itself, and counts how often.
struct lazy_world {
    test::private_redis server;
    asio::io_context loop{1};
    int made = 0;
    std::vector<std::string> heard;
    service_communicator channels{[this] {
                                      ++made;
                                      return std::make_unique<redis::client>(
                                          loop.get_executor(), redis_options(server, "async"));
                                  },
                                  "relay"};

    void run(asio::awaitable<void> body) { test::run_on(loop, whole(std::move(body))); }

    asio::awaitable<void> whole(asio::awaitable<void> body) {
        channels.listen({.on_message = [this](std::string_view,
                                              std::string_view what) { heard.emplace_back(what); },
                         .on_gap = {},
                         .on_restored = {}});
        co_await std::move(body);
        co_await channels.stop(in(5s));
        auto closed = co_await channels.close(in(5s));
        EXPECT_TRUE(closed);
        EXPECT_TRUE(co_await wait_until([this] { return server.client_names().empty(); }, in(5s)));
    }
};

asio::awaitable<void> stays_silent(lazy_world& world) {
    auto restored = co_await world.channels.restore(in(5s));
    EXPECT_TRUE(restored) << "no channel is wanted";
    world.channels.unsubscribe("news");
    EXPECT_FALSE(world.channels.has_async());
    EXPECT_EQ(world.made, 0);
}

TEST(ServiceCommunicator, MakesNoClientBeforeItIsNeeded) {
    lazy_world world;
    world.run(stays_silent(world));
}

asio::awaitable<void> makes_one(lazy_world& world) {
    for (int i = 0; i < 3; ++i) {
        auto heard = co_await world.channels.publish("news", "nobody listens", in(5s));
        EXPECT_EQ(heard, 0U);
    }
    EXPECT_EQ(world.made, 1);
    EXPECT_EQ(world.server.count_clients(connection_name), 1U);
    EXPECT_EQ(&world.channels.ensure_async(), &world.channels.ensure_async());
}

TEST(ServiceCommunicator, MakesOneClientWithItsFirstPublication) {
    lazy_world world;
    world.run(makes_one(world));
}

asio::awaitable<void> hears(lazy_world& world) {
    auto subscribed = co_await world.channels.subscribe("news", in(5s));
    EXPECT_TRUE(subscribed);
    EXPECT_EQ(world.server.count_clients(connection_name), 1U) << "the subscriber's alone";
    auto heard = co_await world.channels.publish("news", "one", in(5s));
    EXPECT_EQ(heard, 1U);
    EXPECT_EQ(world.server.count_clients(connection_name), 2U);
    EXPECT_TRUE(co_await wait_until([&] { return world.heard.size() == 1; }, in(5s)));

    world.channels.unsubscribe("news");
    EXPECT_TRUE(co_await wait_until(
        [&] { return world.server.ask("PUBSUB NUMSUB news").ends_with(":0\r\n"); }, in(5s)));
    EXPECT_EQ(world.heard, std::vector<std::string>{"one"});
    EXPECT_EQ(world.made, 1);
}

TEST(ServiceCommunicator, HearsWhatIsPublishedWhileItIsSubscribed) {
    lazy_world world;
    world.run(hears(world));
}

asio::awaitable<void> stops(lazy_world& world) {
    auto subscribed = co_await world.channels.subscribe("news", in(5s));
    EXPECT_TRUE(subscribed);
    co_await world.channels.stop(in(5s));
    auto again = co_await world.channels.subscribe("news", in(5s));
    EXPECT_EQ(again.error().code, chat_errc::closed);
    auto heard = co_await world.channels.publish("news", "still said", in(5s));
    EXPECT_TRUE(heard) << heard.error().what();
}

TEST(ServiceCommunicator, PublishesButSubscribesNoMoreAfterItsStop) {
    lazy_world world;
    world.run(stops(world));
}

}  // namespace
}  // namespace headroom::chat
