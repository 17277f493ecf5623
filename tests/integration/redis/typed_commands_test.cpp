// SPDX-License-Identifier: Apache-2.0
// The typed commands and scripts against a real server, in both protocols' shapes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/typed_call.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {
namespace {

using namespace commands;
using namespace std::chrono_literals;
using test::in;
using test::private_redis;
using test::run_on;
using testing::ElementsAre;

client_options options_for(const private_redis& server, std::string_view kind) {
    client_options options;
    options.server.unix_path = server.unix_path();
    options.identity = {"chat", "host-1", 42};
    options.kind = kind;
    options.bounds.cap = 3;
    return options;
}

// One and the same question to the asynchronous client and to the blocking one.
class TypedCommandsOnAServer : public testing::TestWithParam<bool> {
protected:
    ~TypedCommandsOnAServer() override {
        EXPECT_TRUE(run_on(loop_, async_.close(in(5s))).has_value());
    }

    template <class T>
    T ask(typed_command<T> typed) {
        auto answer = try_to_ask(std::move(typed));
        if (!answer) ADD_FAILURE() << answer.error().what();
        return answer.value();
    }
    template <class T>
    result<T> try_to_ask(typed_command<T> typed) {
        const auto by = in(5s);
        if (GetParam()) return run(sync_, typed, {sync_.owner("test"), by});
        return run_on(loop_, run(async_, std::move(typed), call{async_.owner("test"), by}));
    }

    private_redis server_;
    boost::asio::io_context loop_{1};
    client async_{loop_.get_executor(), options_for(server_, pool_kind::async)};
    blocking_client sync_{options_for(server_, pool_kind::sync)};
};

INSTANTIATE_TEST_SUITE_P(Both, TypedCommandsOnAServer, testing::Bool(), [](const auto& is_sync) {
    return is_sync.param ? "blocking" : "asynchronous";
});

TEST_P(TypedCommandsOnAServer, AskAboutTheServer) {
    EXPECT_EQ(ask(ping()), "PONG");
    EXPECT_EQ(ask(role()), "master");
    const auto off = ask(commands::time()) - std::chrono::system_clock::now();
    EXPECT_LT(std::chrono::abs(off), 60s);
    EXPECT_EQ(ask(publish("nobody", "hears")), 0U);
}

TEST_P(TypedCommandsOnAServer, SetAndGetWithLifetimesAndConditions) {
    EXPECT_EQ(ask(get("k")), std::nullopt);
    EXPECT_FALSE(ask(set("k", "v", {.lifetime = {}, .condition = set_condition::if_present})));
    EXPECT_TRUE(ask(set("k", "v\r\n", {.lifetime = 90s, .condition = set_condition::if_absent})));
    EXPECT_FALSE(ask(set("k", "w", {.lifetime = {}, .condition = set_condition::if_absent})));
    EXPECT_EQ(ask(get("k")), "v\r\n");
    const auto lives = ask(time_to_live("k"));
    EXPECT_TRUE(lives.exists);
    EXPECT_GT(lives.left, 60s);
    EXPECT_TRUE(ask(persist("k")));
    EXPECT_EQ(ask(time_to_live("k")), (key_lifetime{.exists = true, .left = std::nullopt}));
    EXPECT_TRUE(ask(expire("k", 10s)));
    EXPECT_FALSE(ask(expire("none", 10s)));
    EXPECT_EQ(ask(time_to_live("none")), key_lifetime{});
}

TEST_P(TypedCommandsOnAServer, CountAndDelete) {
    EXPECT_EQ(ask(increment("n", 5)), 5);
    EXPECT_EQ(ask(increment("n", -7)), -2);
    EXPECT_TRUE(ask(exists("n")));
    const std::vector<std::string> keys{"n", "none"};
    EXPECT_THAT(ask(get_many(keys)), ElementsAre("-2", std::nullopt));
    EXPECT_EQ(ask(del(keys)), 1U);
    EXPECT_FALSE(ask(del("n")));
    EXPECT_FALSE(ask(unlink("n")));
    EXPECT_EQ(ask(unlink(keys)), 0U);
    EXPECT_FALSE(ask(exists("n")));
}

TEST_P(TypedCommandsOnAServer, KeepHashes) {
    EXPECT_EQ(ask(hash_set("h", std::vector<field_pair>{{"a", "1"}, {"b", "2"}})), 2U);
    EXPECT_FALSE(ask(hash_set("h", "a", "3")));
    EXPECT_EQ(ask(hash_get("h", "a")), "3");
    EXPECT_EQ(ask(hash_get("h", "z")), std::nullopt);
    EXPECT_EQ(ask(hash_increment("h", "b", 40)), 42);
    EXPECT_THAT(ask(hash_get_all("h")),
                testing::UnorderedElementsAre(field_pair("a", "3"), field_pair("b", "42")));
    EXPECT_THAT(ask(hash_get_all("none")), testing::IsEmpty());
    EXPECT_EQ(ask(hash_delete("h", std::vector<std::string>{"a", "z"})), 1U);
}

TEST_P(TypedCommandsOnAServer, PushAndPopListsAtBothEnds) {
    EXPECT_EQ(ask(list_push(list_end::right, "l", std::vector<std::string>{"b", "c"})), 2U);
    EXPECT_EQ(ask(list_push(list_end::left, "l", "a")), 3U);
    EXPECT_THAT(ask(list_range("l", 0, -1)), ElementsAre("a", "b", "c"));
    EXPECT_EQ(ask(list_pop(list_end::right, "l")), "c");
    EXPECT_EQ(ask(list_pop(list_end::left, "l")), "a");
    EXPECT_EQ(ask(list_length("l")), 1U);
    EXPECT_EQ(ask(list_pop(list_end::left, "none")), std::nullopt);
}

TEST_P(TypedCommandsOnAServer, ReadStreamsAloneAndAsAGroup) {
    std::vector<std::string> ids;
    for (const auto* content : {"1", "2", "3"}) {
        ids.push_back(ask(stream_add("s", std::vector<field_pair>{{"turn", content}},
                                     stream_bound{.entries_max = 100})));
    }
    EXPECT_EQ(ask(stream_length("s")), 3U);
    const std::vector<stream_position> after_first{{"s", ids[0]}, {"none", "0"}};
    const auto pages = ask(stream_read(after_first, 10));
    ASSERT_EQ(pages.size(), 1U);
    EXPECT_EQ(pages[0].key, "s");
    EXPECT_THAT(pages[0].entries, ElementsAre(stream_entry{ids[1], {{"turn", "2"}}},
                                              stream_entry{ids[2], {{"turn", "3"}}}));
    EXPECT_THAT(ask(stream_read(std::vector<stream_position>{{"none"}}, 1)), testing::IsEmpty());
    EXPECT_EQ(ask(stream_range("s", "-", "+", 2)).size(), 2U);

    (void)server_.ask("XGROUP CREATE s readers 0");
    const std::vector<stream_position> fresh{{"s", ">"}};
    EXPECT_EQ(ask(stream_read_group("readers", "ann", fresh, 2))[0].entries.size(), 2U);
    EXPECT_EQ(ask(stream_acknowledge("s", "readers", std::vector{ids[0]})), 1U);
    EXPECT_EQ(ask(stream_delete("s", std::vector{ids[1]})), 1U);
    // What she still holds has been deleted: its id is told without fields.
    const std::vector<stream_position> held{{"s", "0"}};
    const auto again = ask(stream_read_group("readers", "ann", held, 10));
    ASSERT_EQ(again.size(), 1U);
    EXPECT_THAT(again[0].entries, ElementsAre(stream_entry{ids[1], {}}));
}

TEST_P(TypedCommandsOnAServer, GiveTheServersErrorAsTheError) {
    (void)ask(increment("n"));
    const auto wrong = try_to_ask(list_length("n"));
    ASSERT_FALSE(wrong.has_value());
    EXPECT_EQ(wrong.error().code, redis_errc::server_error);
    EXPECT_THAT(wrong.error().detail, testing::StartsWith("WRONGTYPE"));
}

}  // namespace
}  // namespace headroom::redis
