// SPDX-License-Identifier: Apache-2.0
// How both drivers dial a real server: whose credentials, which addresses for how long, and with
// which socket options.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "redis/blocking_client.hpp"
#include "redis/blocking_connection.hpp"
#include "redis/client.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"
#include "support/scripted_resolver.hpp"

namespace headroom::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::private_redis;
using test::run_on;
using test::wait_until;
using testing::HasSubstr;

client_options options_for(const private_redis& server, const std::string& host) {
    client_options options;
    options.server.host = host;
    options.server.port = server.port();
    options.identity = {"chat", "host-1", 42};
    options.kind = pool_kind::async;
    options.bounds.cap = 4;
    return options;
}

// What PING gets on a client that is closed afterwards.
result<value> ping_async(const client_options& options, clock::duration within) {
    asio::io_context loop{1};
    client redis(loop.get_executor(), options);
    auto reply = run_on(loop, redis.execute(command("PING"), {redis.owner("test"), in(within)}));
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
    return reply;
}

result<value> ping_sync(const client_options& options, clock::duration within) {
    blocking_client redis(options);
    auto reply = redis.execute(command("PING"), {redis.owner("test"), in(within)});
    EXPECT_TRUE(redis.close(in(5s)).has_value());
    return reply;
}

// --- Credentials ---

struct vault {
    std::atomic<int> asked{0};
    std::atomic<bool> is_rotated{false};

    credentials_source source() {
        return [this]() -> result<credentials> {
            ++asked;
            return credentials{.username = "app", .password = is_rotated ? "second" : "first"};
        };
    }
};

asio::awaitable<void> rotate_between_two_leases(client& redis, private_redis& server, vault& keys) {
    const call how{redis.owner("test"), in(5s)};
    auto before = co_await redis.lease(how);
    EXPECT_TRUE(before.has_value());
    if (!before) co_return;
    EXPECT_EQ(keys.asked, 1);
    EXPECT_THAT(server.ask("ACL SETUSER app resetpass >second"), HasSubstr("OK"));
    keys.is_rotated = true;
    const auto still = co_await before->execute(command("PING"), in(5s));
    EXPECT_TRUE(still.has_value());
    auto after = co_await redis.lease(how);
    EXPECT_TRUE(after.has_value()) << after.error().what();
    if (!after) co_return;
    const auto name = co_await after->execute(command("ACL", "WHOAMI"), in(5s));
    EXPECT_EQ(name->text, "app");
    EXPECT_EQ(keys.asked, 2);
}

TEST(RedisDial, AsksForCredentialsAtEachDialSoThatTheyCanBeRotated) {
    private_redis server;
    ASSERT_THAT(server.ask("ACL SETUSER app on >first ~* &* +@all"), HasSubstr("OK"));
    vault keys;
    auto options = options_for(server, "127.0.0.1");
    options.ask_credentials = keys.source();
    asio::io_context loop{1};
    client redis(loop.get_executor(), options);
    run_on(loop, rotate_between_two_leases(redis, server, keys));
    EXPECT_TRUE(run_on(loop, redis.close(in(5s))).has_value());
}

TEST(RedisDial, AsksForCredentialsAtEachBlockingDialToo) {
    private_redis server;
    ASSERT_THAT(server.ask("ACL SETUSER app on >first ~* &* +@all"), HasSubstr("OK"));
    vault keys;
    dial_options options{.server = {.host = "127.0.0.1", .port = server.port()},
                         .client_name = "chat:host-1:42:sync",
                         .ask_credentials = keys.source()};
    blocking_connector opener(options);
    const auto before = opener.open(in(5s));
    ASSERT_TRUE(before.has_value());
    ASSERT_THAT(server.ask("ACL SETUSER app resetpass >second"), HasSubstr("OK"));
    keys.is_rotated = true;
    const std::vector<command> ask{command("ACL", "WHOAMI")};
    EXPECT_EQ(static_cast<blocking_connection&>(**before).exchange(ask, in(5s))->front().text,
              "app");
    const auto after = opener.open(in(5s));
    ASSERT_TRUE(after.has_value()) << after.error().what();
    EXPECT_EQ(static_cast<blocking_connection&>(**after).exchange(ask, in(5s))->front().text,
              "app");
    EXPECT_EQ(keys.asked, 2);
}

TEST(RedisDial, FailsWithTheWordsOfWhoeverCouldNotGiveCredentials) {
    private_redis server;
    auto options = options_for(server, "127.0.0.1");
    options.connect_timeout = 500ms;
    std::atomic<bool> must_throw{false};
    options.ask_credentials = [&must_throw]() -> result<credentials> {
        if (must_throw) throw std::runtime_error("the vault is broken");
        return failure(std::make_error_code(std::errc::timed_out), "the vault is sealed");
    };
    for (const auto* words : {"the vault is sealed", "the vault is broken"}) {
        for (const auto& got : {ping_async(options, 300ms), ping_sync(options, 300ms)}) {
            ASSERT_FALSE(got.has_value());
            EXPECT_THAT(
                got.error().detail,
                HasSubstr(std::string("the credentials for this dial could not be had: ") + words));
        }
        must_throw = true;
    }
    EXPECT_TRUE(server.client_names().empty());
}

// --- Addresses ---

// Accepts nothing: with its queue full, the kernel drops further SYNs as a dead route would.
class black_hole {
public:
    black_hole(const std::string& address, std::uint16_t port) : to_{} {
        to_.sin_family = AF_INET;
        to_.sin_port = htons(port);
        (void)::inet_pton(AF_INET, address.c_str(), &to_.sin_addr);
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        (void)::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&to_), sizeof to_) != 0 ||
            ::listen(listener_, 0) != 0) {
            throw std::runtime_error("no black hole at " + address);
        }
        while (fills_one_more()) {
        }
    }
    ~black_hole() {
        for (const int each : held_)
            ::close(each);
        ::close(listener_);
    }
    black_hole(const black_hole&) = delete;
    black_hole& operator=(const black_hole&) = delete;

private:
    bool fills_one_more() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        held_.push_back(fd);
        (void)::connect(fd, reinterpret_cast<sockaddr*>(&to_), sizeof to_);
        pollfd watched{.fd = fd, .events = POLLOUT, .revents = 0};
        return ::poll(&watched, 1, 100) == 1 && held_.size() < 16;
    }

    sockaddr_in to_;
    int listener_ = -1;
    std::vector<int> held_;
};

TEST(RedisDial, ComesToALaterAddressWhenTheFirstSwallowsEverything) {
    private_redis server;
    const black_hole hole("127.0.0.2", server.port());
    test::resolve_to("two.test", {"127.0.0.2", "127.0.0.1"});
    auto options = options_for(server, "two.test");
    options.connect_timeout = 1s;  // of which the first address gets a half
    for (const auto ping : {ping_async, ping_sync}) {
        const auto began = clock::now();
        const auto got = ping(options, 5s);
        ASSERT_TRUE(got.has_value()) << got.error().what();
        EXPECT_GE(clock::now() - began, 450ms) << "the first address was not tried";
        EXPECT_LT(clock::now() - began, 2s);
    }
}

TEST(RedisDial, NamesEachAddressThatItTried) {
    private_redis server;
    test::resolve_to("dead.test", {"127.0.0.3", "127.0.0.4"});  // Redis listens on 127.0.0.1 only
    auto options = options_for(server, "dead.test");
    for (const auto ping : {ping_async, ping_sync}) {
        const auto got = ping(options, 300ms);
        ASSERT_FALSE(got.has_value());
        EXPECT_THAT(got.error().detail, HasSubstr("127.0.0.3: Connection refused; 127.0.0.4: "
                                                  "Connection refused"));
    }
}

TEST(RedisDial, LooksTheNameUpAtEachDial) {
    private_redis server;
    test::resolve_to("moved.test", {"127.0.0.3"});
    auto options = options_for(server, "moved.test");
    options.bounds.backoff_max = 50ms;
    blocking_client sync(options);
    asio::io_context loop{1};
    client async(loop.get_executor(), options);
    EXPECT_FALSE(sync.execute(command("PING"), {sync.owner("test"), in(100ms)}).has_value());
    EXPECT_FALSE(
        run_on(loop, async.execute(command("PING"), {async.owner("test"), in(100ms)})).has_value());
    const auto before = test::lookups_of("moved.test");
    EXPECT_GE(before, 2U);
    test::resolve_to("moved.test", {"127.0.0.1"});
    EXPECT_TRUE(sync.execute(command("PING"), {sync.owner("test"), in(5s)}).has_value());
    EXPECT_TRUE(
        run_on(loop, async.execute(command("PING"), {async.owner("test"), in(5s)})).has_value());
    EXPECT_GE(test::lookups_of("moved.test"), before + 2);
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
    EXPECT_TRUE(sync.close(in(5s)).has_value());
}

// --- Socket options ---

// Our ends of the connections to `port`.
std::vector<int> sockets_to(std::uint16_t port) {
    std::vector<int> found;
    for (int fd = 3; fd < 256; ++fd) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
        if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) found.push_back(fd);
    }
    return found;
}

int option_of(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    (void)::getsockopt(fd, level, name, &value, &size);
    return value;
}

void expect_tuned(std::uint16_t port, int user_timeout_ms) {
    const auto sockets = sockets_to(port);
    ASSERT_EQ(sockets.size(), 1U);
    const int fd = sockets.front();
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), user_timeout_ms);
}

TEST(RedisDial, SetsItsSocketOptionsOnBothDrivers) {
    private_redis server;
    auto options = options_for(server, "127.0.0.1");
    {
        blocking_client sync(options);
        ASSERT_TRUE(sync.execute(command("PING"), {sync.owner("test"), in(5s)}).has_value());
        expect_tuned(server.port(), 20'000);
        ASSERT_TRUE(sync.close(in(5s)).has_value());
    }
    options.tcp_user_timeout = 7s;
    asio::io_context loop{1};
    client async(loop.get_executor(), options);
    ASSERT_TRUE(
        run_on(loop, async.execute(command("PING"), {async.owner("test"), in(5s)})).has_value());
    expect_tuned(server.port(), 7'000);
    EXPECT_TRUE(run_on(loop, async.close(in(5s))).has_value());
}

}  // namespace
}  // namespace headroom::redis
