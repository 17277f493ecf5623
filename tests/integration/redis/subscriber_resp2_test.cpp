// SPDX-License-Identifier: Apache-2.0
// The subscriber in RESP2, of which no server at hand is fond: a stand-in that knows no HELLO and
// answers in arrays, as Redis 5 does. https://redis.io/docs/reference/pubsub/
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>

#include "redis/core/resp_parser.hpp"
#include "subscriber_fixture.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using namespace std::chrono_literals;
using fixture = subscriber_fixture;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

std::string bulk(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// One connection at a time.
class resp2_server {
public:
    resp2_server() {
        auto pattern = (std::filesystem::temp_directory_path() / "hr-resp2-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        folder_ = pattern;
    }
    ~resp2_server() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    resp2_server(const resp2_server&) = delete;
    resp2_server& operator=(const resp2_server&) = delete;

    [[nodiscard]] std::string path() const { return folder_ + "/s"; }
    void start(asio::io_context& loop) {
        acceptor_.emplace(loop, stream_protocol::endpoint(path()));
        asio::co_spawn(loop, accept(*this), asio::detached);
    }
    void stop() {
        acceptor_.reset();
        socket_.reset();
    }

    asio::awaitable<void> say(std::string bytes) {
        (void)co_await asio::async_write(*socket_, asio::buffer(bytes), use_tuple);
    }

    std::set<std::string> topics;  // "SUBSCRIBE a", "PSUBSCRIBE p*"
    int pings = 0;
    std::vector<std::string> refused;  // commands that a RESP2 subscriber may not use

private:
    static asio::awaitable<void> accept(resp2_server& self) {
        for (;;) {
            auto [ec, socket] = co_await self.acceptor_->async_accept(use_tuple);
            if (ec) co_return;
            self.socket_.emplace(std::move(socket));
            self.topics.clear();
            co_await serve(self);
            if (self.socket_) self.socket_->close();
        }
    }
    static asio::awaitable<void> serve(resp2_server& self) {
        resp_parser parser;
        std::array<char, 4096> in{};
        for (;;) {
            auto [ec, n] = co_await self.socket_->async_read_some(asio::buffer(in), use_tuple);
            if (ec) co_return;
            std::string_view input(in.data(), n);
            std::string out;
            for (auto asked = parser.next(input); asked && *asked; asked = parser.next(input))
                out += self.answer(**asked);
            co_await self.say(std::move(out));
        }
    }
    std::string answer(const value& asked) {
        const auto& verb = asked.items[0].text;
        if (verb == "HELLO") return "-ERR unknown command 'HELLO'\r\n";
        if (verb == "CLIENT") return "+OK\r\n";
        if (verb == "PING") {
            ++pings;
            return topics.empty() ? "+PONG\r\n" : "*2\r\n" + bulk("pong") + bulk("");
        }
        std::string word = verb;
        for (auto& letter : word)
            letter = static_cast<char>(std::tolower(letter));
        std::string out;
        const bool is_new = verb == "SUBSCRIBE" || verb == "PSUBSCRIBE";
        if (!is_new && verb != "UNSUBSCRIBE" && verb != "PUNSUBSCRIBE") {
            refused.push_back(verb);
            return "-ERR only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / QUIT allowed\r\n";
        }
        for (std::size_t i = 1; i < asked.items.size(); ++i) {
            const auto& name = asked.items[i].text;
            is_new ? (void)topics.insert(verb + " " + name)
                   : (void)topics.erase((verb[0] == 'P' ? "PSUBSCRIBE " : "SUBSCRIBE ") + name);
            out +=
                "*3\r\n" + bulk(word) + bulk(name) + ":" + std::to_string(topics.size()) + "\r\n";
        }
        return out;
    }

    std::string folder_;
    std::optional<stream_protocol::acceptor> acceptor_;
    std::optional<stream_protocol::socket> socket_;
};

class Resp2Subscriber : public testing::Test {
protected:
    Resp2Subscriber() { server_.start(f_.loop); }
    ~Resp2Subscriber() override { server_.stop(); }
    void say(std::string bytes) { test::run_on(f_.loop, server_.say(std::move(bytes))); }

    resp2_server server_;
    fixture f_{server_.path(), 1, {.pulse = {.ping_interval = 20ms}}};
};

TEST_F(Resp2Subscriber, HearsMessagesOfChannelsAndPatterns) {
    ASSERT_TRUE(f_.subscribe("a"));
    ASSERT_TRUE(f_.subscribe_pattern("p*"));
    say("*3\r\n" + bulk("message") + bulk("a") + bulk("x"));
    say("*4\r\n" + bulk("pmessage") + bulk("p*") + bulk("pq") + bulk("y"));
    ASSERT_TRUE(f_.was_told("p*:pq=y"));
    EXPECT_THAT(f_.told, testing::ElementsAre("a=x", "p*:pq=y"));
    EXPECT_THAT(server_.refused, testing::IsEmpty());
}

TEST_F(Resp2Subscriber, TakesAPongInEitherForm) {
    ASSERT_TRUE(f_.subscribe("a"));
    ASSERT_TRUE(f_.becomes([&] { return server_.pings >= 3; }));
    f_.relay->unsubscribe("a");
    ASSERT_TRUE(f_.becomes([&] { return server_.topics.empty(); }));
    const int pings = server_.pings;  // from now on "+PONG"
    ASSERT_TRUE(f_.becomes([&] { return server_.pings >= pings + 3; }));
    ASSERT_TRUE(f_.subscribe("b"));
    EXPECT_EQ(f_.relay->stats().connections, 1U);
    EXPECT_TRUE(f_.told.empty());
}

TEST_F(Resp2Subscriber, EndsAConnectionThatAnswersWhatWasNotAsked) {
    ASSERT_TRUE(f_.subscribe("a"));
    // As a server does that moves a channel elsewhere, or UNSUBSCRIBE without names.
    say("*3\r\n" + bulk("unsubscribe") + "$-1\r\n:0\r\n");
    ASSERT_TRUE(f_.was_told("restored"));
    say("*3\r\n" + bulk("unsubscribe") + bulk("a") + ":0\r\n");
    ASSERT_TRUE(f_.becomes([&] { return f_.told_of("restored") == 2; }));
    say("+OK\r\n");
    ASSERT_TRUE(f_.becomes([&] { return f_.told_of("restored") == 3; }));
    EXPECT_EQ(f_.told_of("gap"), 3);
    EXPECT_EQ(f_.relay->stats().losses[static_cast<std::size_t>(loss_reason::nonsense)], 3U);
    EXPECT_TRUE(f_.relay->is_confirmed("a"));
}

}  // namespace
}  // namespace headroom::redis
