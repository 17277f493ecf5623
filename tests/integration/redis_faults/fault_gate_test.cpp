// SPDX-License-Identifier: Apache-2.0
// The gate itself, before a server that sends everything back.
#include "support/fault_gate.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace headroom::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

// Sends back what it reads; ends its half when the other has ended.
class echo_server {
public:
    echo_server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        auto at = loopback(0);
        socklen_t size = sizeof at;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size), 0);
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~echo_server() {
        (void)::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    echo_server(const echo_server&) = delete;
    echo_server& operator=(const echo_server&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    void serve() const {
        std::vector<pollfd> polled{{listener_, POLLIN, 0}};
        for (;;) {
            (void)::poll(polled.data(), polled.size(), -1);
            if ((polled[0].revents & (POLLHUP | POLLERR)) != 0) break;
            for (std::size_t i = 1; i < polled.size(); ++i) {
                if (polled[i].revents != 0 && !echo(polled[i].fd)) polled[i].fd = -1;
            }
            if ((polled[0].revents & POLLIN) == 0) continue;
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) polled.push_back({fd, POLLIN, 0});
        }
        for (std::size_t i = 1; i < polled.size(); ++i) {
            if (polled[i].fd >= 0) ::close(polled[i].fd);
        }
    }
    static bool echo(int fd) {
        std::array<char, 65536> buffer;
        const auto n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n > 0) (void)::send(fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL);
        if (n <= 0) ::close(fd);
        return n > 0;
    }

    int listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

class plain_client {
public:
    explicit plain_client(std::uint16_t port)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto to = loopback(port);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) error_ = errno;
    }
    ~plain_client() { ::close(fd_); }
    plain_client(const plain_client&) = delete;
    plain_client& operator=(const plain_client&) = delete;

    [[nodiscard]] int connect_error() const { return error_; }
    void send(std::string_view bytes) const {
        (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    void end() const { (void)::shutdown(fd_, SHUT_WR); }
    // What one read gives within `patience`: bytes, "" at the end, or "reset", "nothing".
    [[nodiscard]] std::string read(std::chrono::milliseconds patience = 5s) const {
        pollfd polled{fd_, POLLIN, 0};
        if (::poll(&polled, 1, static_cast<int>(patience.count())) == 0) return "nothing";
        std::array<char, 65536> buffer;
        const auto n = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (n < 0) return "reset";
        return {buffer.data(), static_cast<std::size_t>(n)};
    }
    [[nodiscard]] std::string read_all(std::size_t bytes) const {
        std::string got;
        while (got.size() < bytes) {
            const auto more = read();
            if (more.empty() || more == "nothing" || more == "reset") break;
            got += more;
        }
        return got;
    }

private:
    int fd_;
    int error_ = 0;
};

struct FaultGate : testing::Test {
    echo_server server;
    fault_gate gate{server.port()};

    [[nodiscard]] bool becomes(auto condition) const {
        const auto by = steady::now() + 5s;
        while (!condition()) {
            if (steady::now() > by) return false;
            std::this_thread::yield();
        }
        return true;
    }
};

TEST_F(FaultGate, PassesEverythingAndCountsIt) {
    {
        const plain_client one(gate.port());
        const plain_client two(gate.port());
        one.send("one");
        two.send("two!");
        EXPECT_EQ(one.read(), "one");
        EXPECT_EQ(two.read(), "two!");
        EXPECT_EQ(gate.connections(), 2U);
        one.end();
        EXPECT_EQ(one.read(), "");
    }
    EXPECT_TRUE(becomes([&] { return gate.connections() == 0; }));
    EXPECT_EQ(gate.accepted(), 2U);
    EXPECT_EQ(gate.most(), 2U);
    EXPECT_EQ(gate.bytes(toward::server), 7U);
    EXPECT_EQ(gate.bytes(toward::client), 7U);
}

TEST_F(FaultGate, DelaysOneDirection) {
    const plain_client client(gate.port());
    gate.delay(toward::client, 60ms);
    const auto started = steady::now();
    client.send("late");
    EXPECT_EQ(client.read(), "late");
    EXPECT_GE(steady::now() - started, 60ms);
    EXPECT_EQ(gate.bytes(toward::server), 4U);
}

TEST_F(FaultGate, CutsWithAReset) {
    const plain_client client(gate.port());
    client.send("x");
    EXPECT_EQ(client.read(), "x");
    gate.cut();
    EXPECT_EQ(gate.connections(), 0U);
    EXPECT_EQ(client.read(), "reset");
}

TEST_F(FaultGate, ClosesWithAnEnd) {
    const plain_client client(gate.port());
    client.send("x");
    EXPECT_EQ(client.read(), "x");
    gate.close();
    EXPECT_EQ(client.read(), "");
}

TEST_F(FaultGate, EndsOneDirectionOnly) {
    const plain_client client(gate.port());
    client.send("x");
    EXPECT_EQ(client.read(), "x");
    gate.half_close(toward::client);
    EXPECT_EQ(client.read(), "");
    client.send("still heard");
    EXPECT_TRUE(becomes([&] { return gate.bytes(toward::server) == 12; }));
    EXPECT_EQ(gate.connections(), 1U);
}

TEST_F(FaultGate, HoldsWhatItIsPausedForAndPassesItOnLater) {
    const plain_client client(gate.port());
    gate.pause(toward::server);
    client.send("held");
    EXPECT_EQ(client.read(30ms), "nothing");
    gate.pass(toward::server);
    EXPECT_EQ(client.read(), "held");
}

TEST_F(FaultGate, ForgetsWhatFallsIntoABlackHoleAndCutsTheConnectionOnceHealed) {
    const plain_client client(gate.port());
    gate.black_hole(toward::client);
    client.send("lost");
    EXPECT_EQ(client.read(30ms), "nothing");
    EXPECT_EQ(gate.bytes(toward::client), 0U);
    gate.heal();
    EXPECT_EQ(client.read(), "reset");
}

TEST_F(FaultGate, KeepsAConnectionThatLostNothingInABlackHole) {
    const plain_client client(gate.port());
    client.send("x");
    EXPECT_EQ(client.read(), "x");
    gate.black_hole(toward::server);
    gate.heal();
    client.send("y");
    EXPECT_EQ(client.read(), "y");
}

TEST_F(FaultGate, SplitsIntoSinglesWithoutLosingAny) {
    gate.split(toward::server, 1);
    gate.split(toward::client, 1);
    const plain_client client(gate.port());
    std::string sent;
    for (int i = 0; i < 2'000; ++i)
        sent += static_cast<char>('a' + i % 26);
    client.send(sent);
    EXPECT_EQ(client.read_all(sent.size()), sent);
}

TEST_F(FaultGate, PassesNoMoreThanItsRate) {
    gate.slow(toward::client, 2'000);
    const plain_client client(gate.port());
    const std::string sent(200, 'x');
    const auto started = steady::now();
    client.send(sent);
    EXPECT_EQ(client.read_all(sent.size()), sent);
    EXPECT_GE(steady::now() - started, 80ms);  // 100 ms less the first slice
}

TEST_F(FaultGate, CutsAfterAGivenNumberOfBytes) {
    gate.limit_bytes(toward::client, 5);
    const plain_client client(gate.port());
    client.send("123456789");
    EXPECT_TRUE(becomes([&] { return gate.accepted() == 1 && gate.connections() == 0; }));
    EXPECT_EQ(gate.bytes(toward::client), 5U);
}

TEST_F(FaultGate, ClosesAConnectionAtItsFirstData) {
    gate.close_on_data(toward::server);
    const plain_client client(gate.port());
    client.send("x");
    EXPECT_EQ(client.read(), "");
    EXPECT_EQ(gate.bytes(toward::server), 0U);
}

TEST_F(FaultGate, LeavesNewConnectionsUnattended) {
    gate.stop_accepting();
    const plain_client client(gate.port());
    EXPECT_EQ(client.connect_error(), 0);
    client.send("x");
    EXPECT_EQ(client.read(30ms), "nothing");
    gate.accept();
    EXPECT_EQ(client.read(), "x");
}

TEST_F(FaultGate, RefusesOnItsOwnPortAndListensThereAgain) {
    const plain_client before(gate.port());
    before.send("x");
    EXPECT_EQ(before.read(), "x");
    gate.refuse();
    EXPECT_EQ(plain_client(gate.port()).connect_error(), ECONNREFUSED);
    before.send("goes on");
    EXPECT_EQ(before.read(), "goes on");
    gate.heal();
    const plain_client after(gate.port());
    after.send("again");
    EXPECT_EQ(after.read(), "again");
}

TEST_F(FaultGate, CutsAClientWhoseServerIsNotThere) {
    std::uint16_t nobody = 0;
    {
        const echo_server gone;
        nobody = gone.port();
    }
    fault_gate to_nobody(nobody);
    const plain_client client(to_nobody.port());
    EXPECT_EQ(client.read(), "reset");
    EXPECT_EQ(to_nobody.connections(), 0U);
}

}  // namespace
}  // namespace headroom::test
