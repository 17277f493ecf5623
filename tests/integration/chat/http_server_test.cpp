// SPDX-License-Identifier: Apache-2.0
// The HTTP server against raw sockets: what arrives in pieces, together, too much, too slowly.
#include "chat/http/server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "chat/gateway/client_stream.hpp"
#include "net/deadline.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;
using test::in;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

asio::awaitable<http::response> echo(http::request asked) {
    if (asked.path == "/throw") throw std::runtime_error("a fault");
    http::response made;
    made.content_type = "text/plain";
    made.body = asked.method + ' ' + asked.path + ' ' + asked.body + '\n';
    co_return made;
}

class client {
public:
    client(asio::io_context& loop, std::uint16_t port) : socket_(loop) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
    }

    asio::awaitable<void> send(std::string bytes) {
        co_await asio::async_write(socket_, asio::buffer(bytes), quietly);
    }
    // Until `text` was received as often as told (true), or the peer closed or `by` passed (false).
    asio::awaitable<bool> hears(std::string text, std::size_t times, deadline by) {
        while (count(text) < times) {
            const bool more = co_await read(by);
            if (!more) co_return false;
        }
        co_return true;
    }
    // True when the server closes before `by`.
    asio::awaitable<bool> sees_the_end(deadline by) {
        while (!is_closed_) {
            const bool more = co_await read(by);
            if (!more) break;
        }
        co_return is_closed_;
    }
    [[nodiscard]] const std::string& heard() const { return heard_; }
    [[nodiscard]] std::size_t count(std::string_view text) const {
        std::size_t found = 0;
        for (auto at = heard_.find(text); at != std::string::npos; at = heard_.find(text, at + 1))
            ++found;
        return found;
    }
    tcp::socket& socket() { return socket_; }

private:
    asio::awaitable<bool> read(deadline by) {
        net::deadline_guard guard(socket_.get_executor(), by, [this] { socket_.cancel(); });
        char chunk[4096];
        const auto [ec, size] = co_await socket_.async_read_some(asio::buffer(chunk), quietly);
        if (ec && !guard.has_expired()) is_closed_ = true;
        if (ec) co_return false;
        heard_.append(chunk, size);
        co_return true;
    }

    tcp::socket socket_;
    std::string heard_;
    bool is_closed_ = false;
};

class HttpServer : public testing::Test {
protected:
    void start(http::handler answer = echo, http::server_options options = {}) {
        tcp::acceptor listening(loop, {asio::ip::address_v4::loopback(), 0});
        port = listening.local_endpoint().port();
        server.emplace(loop.get_executor(), listening.release(), std::move(options),
                       std::move(answer));
        server->start();
    }
    void TearDown() override {
        if (server) test::run_on(loop, server->drain(in(1s)));
    }
    template <class T>
    T run(asio::awaitable<T> work) {
        return test::run_on(loop, std::move(work));
    }

    asio::io_context loop{1};
    std::uint16_t port = 0;
    std::optional<http::server> server;
};

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string post = "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
    start();
    client ann(loop, port);
    run(ann.send(get + post + get));
    ASSERT_TRUE(run(ann.hears("HTTP/1.1 200 OK", 3, in(5s))));
    ASSERT_TRUE(run(ann.hears("GET /a \n", 2, in(5s))));
    EXPECT_LT(ann.heard().find("GET /a \n"), ann.heard().find("POST /b hello\n"));
    EXPECT_LT(ann.heard().find("POST /b hello\n"), ann.heard().rfind("GET /a \n"));
}

TEST_F(HttpServer, AnswersARequestSplitAtEveryByte) {
    start();
    for (std::size_t at = 1; at < post.size(); ++at) {
        client ann(loop, port);
        run(ann.send(post.substr(0, at)));
        run(ann.send(post.substr(at)));
        ASSERT_TRUE(run(ann.hears("POST /b hello\n", 1, in(5s)))) << "split at " << at;
    }
}

TEST_F(HttpServer, GivesHeadersOnlyToHead) {
    start();
    client ann(loop, port);
    run(ann.send("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    ASSERT_TRUE(run(ann.sees_the_end(in(5s))));
    EXPECT_EQ(ann.count("Content-Length: 9\r\n"), 1U);  // "HEAD /a \n"
    EXPECT_TRUE(ann.heard().ends_with("\r\n\r\n"));
}

TEST_F(HttpServer, TellsAWaitingClientToContinue) {
    start();
    client ann(loop, port);
    run(
        ann.send("POST /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                 "Content-Length: 5\r\n\r\n"));
    ASSERT_TRUE(run(ann.hears("HTTP/1.1 100 Continue\r\n\r\n", 1, in(5s))));
    run(ann.send("hello"));
    EXPECT_TRUE(run(ann.hears("POST /b hello\n", 1, in(5s))));
}

TEST_F(HttpServer, RefusesAnOversizedBodyAndTheClientReadsWhy) {
    start();
    client ann(loop, port);
    run(ann.send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" +
                 std::string(200'000, 'x')));
    EXPECT_TRUE(run(ann.hears("HTTP/1.1 413 ", 1, in(5s))));
    EXPECT_TRUE(run(ann.hears("\"body_too_large\"", 1, in(5s))));
    ann.socket().close();
}

TEST_F(HttpServer, AnswersNothingThatFollowsASmuggledRequest) {
    start();
    client ann(loop, port);
    run(
        ann.send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
                 get));
    ASSERT_TRUE(run(ann.sees_the_end(in(5s))));
    EXPECT_EQ(ann.count("HTTP/1.1 400 "), 1U);
    EXPECT_EQ(ann.count("HTTP/1.1 200 "), 0U);
}

TEST_F(HttpServer, ClosesSlowAndSilentClients) {
    http::server_options options;
    options.request_timeout = 50ms;
    options.idle_timeout = 80ms;
    start(echo, options);
    client slow(loop, port);
    client silent(loop, port);
    run(slow.send("GET /a HT"));
    ASSERT_TRUE(run(slow.sees_the_end(in(5s))));
    EXPECT_EQ(slow.count("HTTP/1.1 408 "), 1U);
    ASSERT_TRUE(run(silent.sees_the_end(in(5s))));
    EXPECT_EQ(silent.heard(), "");
}

TEST_F(HttpServer, MakesAFaultOfAHandlerA500WithoutItsWords) {
    std::string told;
    http::server_options options;
    options.on_fault = [&told](std::string_view what) { told = what; };
    start(echo, options);
    client ann(loop, port);
    run(ann.send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n" + get));
    ASSERT_TRUE(run(ann.hears("HTTP/1.1 500 ", 1, in(5s))));
    EXPECT_TRUE(run(ann.hears("GET /a \n", 1, in(5s))));
    EXPECT_EQ(ann.count("a fault"), 0U);
    EXPECT_EQ(told, "a fault");
}

TEST_F(HttpServer, LetsNewConnectionsWaitBeyondItsCount) {
    http::server_options options;
    options.connections_max = 1;
    start(echo, options);
    std::optional<client> ann(std::in_place, loop, port);
    run(ann->send(get));
    ASSERT_TRUE(run(ann->hears("GET /a \n", 1, in(5s))));
    client bob(loop, port);
    run(bob.send(get));
    EXPECT_FALSE(run(bob.hears("HTTP", 1, in(50ms))));
    ann.reset();
    EXPECT_TRUE(run(bob.hears("GET /a \n", 1, in(5s))));
}

TEST_F(HttpServer, DrainsIdleConnectionsAtOnceAndAnswersTheRest) {
    net::event finish(loop.get_executor());
    start([finish](http::request asked) mutable -> asio::awaitable<http::response> {
        return [](net::event until, http::request of) -> asio::awaitable<http::response> {
            if (of.path == "/b") co_await until.wait(in(5s));
            co_return co_await echo(std::move(of));
        }(finish, std::move(asked));
    });
    client idle(loop, port);
    client busy(loop, port);
    run(idle.send(get));
    ASSERT_TRUE(run(idle.hears("GET /a \n", 1, in(5s))));
    run(busy.send(post));
    ASSERT_TRUE(run(test::wait_until([&] { return server->connections() == 2; }, in(5s))));

    bool drained = false;
    asio::co_spawn(loop, server->drain(in(5s)), [&](std::exception_ptr) { drained = true; });
    ASSERT_TRUE(run(idle.sees_the_end(in(5s))));
    EXPECT_FALSE(drained);
    finish.set();
    ASSERT_TRUE(run(busy.sees_the_end(in(5s))));
    EXPECT_EQ(busy.count("POST /b hello\n"), 1U);
    EXPECT_EQ(busy.count("Connection: close\r\n"), 1U);
    EXPECT_TRUE(run(test::wait_until([&] { return drained; }, in(5s))));
}

// --- Streams ---

struct stream_world {
    std::shared_ptr<client_stream> stream;
    bool has_ended = false;

    asio::awaitable<void> run(http::body_writer& to) {
        co_await stream->run(to);
        has_ended = true;
    }
    // `world` outlives the server.
    static http::handler of(stream_world& world) {
        return [&world](http::request) { return answer(&world); };
    }
    static asio::awaitable<http::response> answer(stream_world* world) {
        http::response made;
        made.content_type = "text/event-stream";
        made.stream = [world](http::body_writer& to) { return world->run(to); };
        co_return made;
    }
};

TEST_F(HttpServer, WritesAStreamsEventsAsTheyComeAndKeepsItAlive) {
    stream_world world;
    world.stream = std::make_shared<client_stream>(
        loop.get_executor(), client_stream_options{.keep_alive = 20ms, .bounds = {}});
    start(stream_world::of(world));
    client ann(loop, port);
    run(ann.send(get));
    ASSERT_TRUE(run(ann.hears("retry: 2000\n\n", 1, in(5s))));
    world.stream->deliver({.number = 1, .name = "chat_delta", .data = "{}"});
    ASSERT_TRUE(run(ann.hears("id: 1\nevent: chat_delta\ndata: {}\n\n", 1, in(5s))));
    EXPECT_TRUE(run(ann.hears(": keep-alive\n\n", 2, in(5s))));
    world.stream->end_with({.number = 0, .name = "server_shutdown", .data = "{}"});
    ASSERT_TRUE(run(ann.sees_the_end(in(5s))));
    EXPECT_TRUE(ann.heard().ends_with("event: server_shutdown\ndata: {}\n\n"));
    EXPECT_EQ(ann.count("retry:"), 1U);
}

TEST_F(HttpServer, EndsAStreamWhoseClientIsGoneAtOnce) {
    stream_world world;
    world.stream = std::make_shared<client_stream>(loop.get_executor(), client_stream_options{});
    start(stream_world::of(world));
    client ann(loop, port);
    run(ann.send(get));
    ASSERT_TRUE(run(ann.hears("retry: 2000\n\n", 1, in(5s))));
    ann.socket().close();
    EXPECT_TRUE(run(test::wait_until([&] { return world.has_ended; }, in(5s))));
}

TEST_F(HttpServer, EndsAStreamThatIsTooSlowWithoutAHoleInWhatItSaw) {
    stream_world world;
    client_stream_options shape;
    shape.bounds = {.bytes_max = 64 * 1024, .frames_max = 16, .terminal_bytes_max = 1024};
    world.stream = std::make_shared<client_stream>(loop.get_executor(), shape);
    start(stream_world::of(world));
    client ann(loop, port);
    run(ann.send(get));
    ASSERT_TRUE(run(ann.hears("retry: 2000\n\n", 1, in(5s))));

    // More than any socket buffer holds, while the client does not read.
    std::uint64_t number = 0;
    for (int burst = 0; burst < 4'000; ++burst) {
        world.stream->deliver(
            {.number = ++number, .name = "chat_delta", .data = std::string(4096, 'x')});
        loop.poll();
    }
    loop.restart();
    ASSERT_TRUE(run(ann.sees_the_end(in(10s))));
    EXPECT_TRUE(ann.heard().ends_with(": ended, too_slow: reconnect with Last-Event-ID\n\n"));
    std::uint64_t last = 0;
    for (auto at = ann.heard().find("\nid: "); at != std::string::npos;
         at = ann.heard().find("\nid: ", at + 1))
        EXPECT_EQ(std::stoull(ann.heard().substr(at + 5, 20)), ++last);
    EXPECT_GT(last, 16U);
    EXPECT_LT(last, number);
}

TEST_F(HttpServer, CutsAStreamThatDoesNotEndWhenItDrains) {
    stream_world world;
    world.stream = std::make_shared<client_stream>(loop.get_executor(), client_stream_options{});
    start(stream_world::of(world));
    client ann(loop, port);
    run(ann.send(get));
    ASSERT_TRUE(run(ann.hears("retry: 2000\n\n", 1, in(5s))));
    run(server->drain(in(50ms)));
    EXPECT_TRUE(world.has_ended);
    EXPECT_EQ(server->connections(), 0U);
}

}  // namespace
}  // namespace headroom::chat
