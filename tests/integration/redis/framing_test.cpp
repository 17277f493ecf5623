// SPDX-License-Identifier: Apache-2.0
// The client against a server that answers byte for byte what the test says: what no real Redis
// does, or does only once in a million times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "redis/blocking_connection.hpp"
#include "redis/client.hpp"
#include "redis/guarded_publisher.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using namespace std::chrono_literals;
using test::in;
using test::run_on;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr auto hello = "%1\r\n+proto\r\n:3\r\n";

// Sends `answers[i]` for the i-th chunk of bytes it reads on a connection, then hangs up.
class scripted_server {
public:
    explicit scripted_server(asio::io_context& loop) : acceptor_(loop) {
        auto pattern = (std::filesystem::temp_directory_path() / "hr-fake-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        folder_ = pattern;
        const stream_protocol::endpoint at(path());
        acceptor_.open(at.protocol());
        acceptor_.bind(at);
        acceptor_.listen();
        asio::co_spawn(loop, accept(*this), [](const std::exception_ptr&) {});
    }
    ~scripted_server() {
        acceptor_.close();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    [[nodiscard]] std::string path() const { return folder_ + "/s"; }
    std::vector<std::string> answers;
    int connections = 0;

private:
    static asio::awaitable<void> accept(scripted_server& self) {
        for (;;) {
            auto [ec, socket] = co_await self.acceptor_.async_accept(use_tuple);
            if (ec) co_return;
            ++self.connections;
            asio::co_spawn(socket.get_executor(), serve(std::move(socket), self.answers),
                           [](const std::exception_ptr&) {});
        }
    }
    static asio::awaitable<void> serve(stream_protocol::socket socket,
                                       std::vector<std::string> answers) {
        std::array<char, 65536> in;
        for (const auto& each : answers) {
            auto [ec, n] = co_await socket.async_read_some(asio::buffer(in), use_tuple);
            if (ec) co_return;
            auto [wec, m] = co_await asio::async_write(socket, asio::buffer(each), use_tuple);
            if (wec) co_return;
        }
    }

    stream_protocol::acceptor acceptor_;
    std::string folder_;
};

struct fixture {
    fixture() : server(loop) {
        client_options options;
        options.server.unix_path = server.path();
        options.identity = {"chat", "h", 1};
        options.kind = "async";
        options.bounds.cap = 2;
        redis = std::make_unique<client>(loop.get_executor(), std::move(options));
    }
    ~fixture() { EXPECT_TRUE(run_on(loop, redis->close(in(5s))).has_value()); }

    result<value> execute(command what, clock::duration within = 2s) {
        return run_on(loop, redis->execute(std::move(what), {redis->owner("test"), in(within)}));
    }
    result<std::vector<value>> pipeline(std::size_t count) {
        return run_on(loop, redis->pipeline(std::vector<command>(count, command("PING")),
                                            {redis->owner("test"), in(2s)}));
    }

    asio::io_context loop{1};
    scripted_server server;
    std::unique_ptr<client> redis;
};

TEST(RedisFraming, ClosesAConnectionWhoseBytesMakeNoSense) {
    fixture f;
    f.server.answers = {hello, "HTTP/1.1 400 Bad Request\r\n"};
    const auto reply = f.execute(command("PING"));
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::protocol_error);
    EXPECT_THAT(reply.error().detail, testing::HasSubstr("HTTP/1.1 400"));
    f.server.answers = {hello, "+PONG\r\n"};
    EXPECT_EQ(f.execute(command("PING"))->text, "PONG");
    EXPECT_EQ(f.server.connections, 2);
}

// No server takes authentication back from a live connection, but proxies do.
TEST(RedisFraming, ReplacesAConnectionThatIsNoLongerAuthenticated) {
    fixture f;
    f.server.answers = {hello, "+PONG\r\n", "-NOAUTH Authentication required.\r\n"};
    EXPECT_EQ(f.execute(command("PING"))->text, "PONG");
    EXPECT_EQ(f.execute(command("INCR", "n"))->text, "PONG") << "on the second connection";
    EXPECT_EQ(f.server.connections, 2);
}

TEST(RedisFraming, GuardsAPublicationOnAServerWithoutScriptFlags) {
    fixture f;
    constexpr auto no_script = "-NOSCRIPT No matching script. Please use EVAL.\r\n";
    f.server.answers = {hello,
                        no_script,
                        "-ERR Error compiling script (new function): user_script:1: unexpected "
                        "symbol near '#'\r\n",
                        no_script,
                        ":3\r\n",
                        ":4\r\n"};
    guarded_publisher publisher(*f.redis);
    const auto publish = [&] {
        return run_on(f.loop, publisher.publish("c", "m", {f.redis->owner("test"), in(2s)}));
    };
    EXPECT_EQ(publish(), 3U);
    EXPECT_EQ(publish(), 4U) << "and finds it out only once";
}

TEST(RedisFraming, TrustsNoConnectionThatAnsweredMoreThanWasAsked) {
    fixture f;
    f.server.answers = {hello, "+PONG\r\n+SURPLUS\r\n", "+NEVER\r\n"};
    EXPECT_EQ(f.execute(command("PING"))->text, "PONG");
    f.server.answers = {hello, "+SECOND\r\n"};
    EXPECT_EQ(f.execute(command("PING"))->text, "SECOND");
}

TEST(RedisFraming, NeverGivesATruncatedReplyAsAShortOne) {
    fixture f;
    f.server.answers = {hello, "$10\r\nabc"};
    const auto reply = f.execute(command("GET", "k"));
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::unknown);
    EXPECT_THAT(reply.error().detail, testing::HasSubstr("closed the connection"));
}

TEST(RedisFraming, FailsAPipelineThatWasAnsweredInPart) {
    fixture f;
    f.server.answers = {hello, "+PONG\r\n+PONG\r\n"};
    const auto replies = f.pipeline(3);
    ASSERT_FALSE(replies.has_value());
    EXPECT_EQ(replies.error().code, redis_errc::unknown);
}

TEST(RedisFraming, LetsPushesAndAttributesPassBetweenReplies) {
    fixture f;
    f.server.answers = {hello,
                        ">2\r\n+invalidate\r\n_\r\n|1\r\n+a\r\n:1\r\n+ONE\r\n>1\r\n+x\r\n+TWO\r\n"};
    const auto replies = f.pipeline(2);
    ASSERT_TRUE(replies.has_value()) << replies.error().what();
    EXPECT_EQ((*replies)[0].text, "ONE");
    EXPECT_EQ((*replies)[1].text, "TWO");
}

TEST(RedisFraming, SpeaksTheOldProtocolToAServerThatKnowsNoOther) {
    fixture f;
    f.server.answers = {"-ERR unknown command 'HELLO'\r\n", "+OK\r\n", "$-1\r\n"};
    const auto reply = f.execute(command("GET", "k"));
    ASSERT_TRUE(reply.has_value()) << reply.error().what();
    EXPECT_TRUE(reply->is_null());
}

TEST(RedisFraming, TriesAgainWithinTheDeadlineWhenTheHandshakeIsCutOff) {
    fixture f;
    f.server.answers = {"%1\r\n+pro"};
    const auto reply = f.execute(command("PING"), 300ms);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::not_sent);
    EXPECT_THAT(reply.error().detail, testing::HasSubstr("handshake"));
    EXPECT_GE(f.server.connections, 2);
}

TEST(RedisFraming, SaysThatTheServerIsFull) {
    fixture f;
    f.server.answers = {"-ERR max number of clients reached\r\n"};
    const auto reply = f.execute(command("PING"), 300ms);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, redis_errc::not_sent);
    EXPECT_THAT(reply.error().detail, testing::HasSubstr("max number of clients reached"));
}

// Whoever got that connection next would read it as the beginning of his own reply.
TEST(RedisFraming, TrustsNoBlockingConnectionThatBeganAReplyToNoCommand) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    blocking_socket server(ends[1]);
    blocking_connection connection{blocking_socket(ends[0])};
    constexpr std::string_view answer = "$5\r\nhello\r\n*1\r\n";
    ASSERT_EQ(server.send_some(answer), answer.size());

    std::string got;
    const auto streamed = connection.stream(
        command("GET", "k"), [&got](std::string_view piece) { got += piece; }, in(2s));
    ASSERT_FALSE(streamed.has_value());
    EXPECT_EQ(streamed.error().code, redis_errc::protocol_error);
    EXPECT_EQ(got, "hello");
}

}  // namespace
}  // namespace headroom::redis
