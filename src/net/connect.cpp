// SPDX-License-Identifier: Apache-2.0
#include "net/connect.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/deadline.hpp"
#include "net/event.hpp"

namespace headroom::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "net"; }
    std::string message(int value) const override {
        switch (static_cast<net_errc>(value)) {
            case net_errc::resolve_failed:
                return "the host's name could not be resolved";
            case net_errc::connect_failed:
                return "the connection was not accepted";
            case net_errc::timeout:
                return "not connected before the deadline";
            case net_errc::path_too_long:
                return "a unix socket path has at most 107 bytes";
            case net_errc::tls_failed:
                return "no TLS session with the server";
        }
        return "unknown";
    }
};

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<boost::system::error_code> connect_within(
    stream_socket& socket, asio::generic::stream_protocol::endpoint to, deadline by,
    const tcp_options* tuning = nullptr) {
    boost::system::error_code ec;
    socket.open(to.protocol(), ec);
    if (ec) co_return ec;
    (void)::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    if (tuning != nullptr) tune_tcp(socket.native_handle(), *tuning);
    const deadline_guard guard(socket.get_executor(), by, [&socket] {
        boost::system::error_code ignored;
        socket.close(ignored);
    });
    auto [connected] = co_await socket.async_connect(to, use_tuple);
    if (guard.has_expired()) co_return asio::error::timed_out;
    co_return connected;
}

// To the system's resolver, which runs on a thread of its own: once begun it cannot be taken back,
// and ends after its own time limits only.
struct question {
    explicit question(const asio::any_io_executor& executor)
        : resolver(executor), answered(executor) {}

    tcp::resolver resolver;
    event answered;
    boost::system::error_code ec;
    tcp::resolver::results_type found;
};

asio::awaitable<result<tcp::resolver::results_type>> look_up(std::string host, std::uint16_t port,
                                                             deadline by) {
    auto executor = co_await asio::this_coro::executor;
    const auto service = std::to_string(port);
    boost::system::error_code not_literal;
    const auto literal = asio::ip::make_address(host, not_literal);
    if (!not_literal) {
        // A literal needs no resolver, whose thread would be started for nothing.
        co_return tcp::resolver::results_type::create(tcp::endpoint(literal, port), host, service);
    }
    // Second owner: the resolver's handler, which may run long after the deadline.
    const auto asked = std::make_shared<question>(executor);
    asked->resolver.async_resolve(
        host, service, [asked](boost::system::error_code ec, tcp::resolver::results_type found) {
            asked->ec = ec;
            asked->found = std::move(found);
            asked->answered.set();
        });
    if (!co_await asked->answered.wait(by)) {
        asked->resolver.cancel();
        co_return failure(net_errc::timeout, "resolving " + host);
    }
    if (asked->ec) co_return failure(net_errc::resolve_failed, host + ": " + asked->ec.message());
    co_return std::move(asked->found);
}

// "10.0.0.5: Connection refused; 10.0.0.6: ...": an only address is not named again.
void add_attempt(std::string& to, std::size_t of, const std::string& address,
                 const std::string& why) {
    constexpr std::size_t bytes_max = 400;
    if (to.size() > bytes_max) return;
    if (!to.empty()) to += "; ";
    to += of > 1 ? address + ": " + why : why;
}

}  // namespace

const std::error_category& net_category() noexcept {
    static const category instance;
    return instance;
}

asio::awaitable<result<std::vector<std::string>>> resolve(std::string host, std::uint16_t port,
                                                          deadline by) {
    auto found = co_await look_up(std::move(host), port, by);
    if (!found) co_return std::unexpected(std::move(found.error()));
    std::vector<std::string> addresses;
    for (const auto& entry : *found)
        addresses.push_back(entry.endpoint().address().to_string());
    co_return addresses;
}

asio::awaitable<result<stream_socket>> connect_tcp(std::string host, std::uint16_t port,
                                                   deadline by, tcp_options tuning) {
    auto executor = co_await asio::this_coro::executor;
    const auto where = host + ":" + std::to_string(port);
    auto found = co_await look_up(host, port, by);
    if (!found) co_return std::unexpected(std::move(found.error()));

    auto left = found->size();
    std::string tried;
    for (const auto& entry : *found) {
        stream_socket socket(executor);
        const auto until = share_of(by, clock::now(), left--);
        const auto ec = co_await connect_within(socket, entry.endpoint(), until, &tuning);
        if (!ec) co_return socket;
        add_attempt(tried, found->size(), entry.endpoint().address().to_string(), ec.message());
        if (clock::now() >= by)
            co_return failure(net_errc::timeout, "connecting to " + where + ": " + tried);
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) break;
    }
    co_return failure(net_errc::connect_failed, where + ": " + tried);
}

asio::awaitable<result<stream_socket>> connect_unix(std::string path, deadline by) {
    auto executor = co_await asio::this_coro::executor;
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        co_return failure(net_errc::path_too_long, path);
    }
    stream_socket socket(executor);
    const auto ec =
        co_await connect_within(socket, asio::local::stream_protocol::endpoint(path), by);
    if (ec == asio::error::timed_out) co_return failure(net_errc::timeout, "connecting to " + path);
    if (ec) co_return failure(net_errc::connect_failed, path + ": " + ec.message());
    co_return socket;
}

asio::awaitable<bool> read_to_end(int descriptor, deadline by) {
    asio::posix::stream_descriptor stream(co_await asio::this_coro::executor, descriptor);
    const deadline_guard guard(stream.get_executor(), by, [&stream] { stream.cancel(); });
    std::array<char, 4096> discarded;
    for (;;) {
        auto [ec, bytes] = co_await stream.async_read_some(asio::buffer(discarded), use_tuple);
        if (guard.has_expired()) co_return false;
        if (ec) co_return ec != asio::error::operation_aborted;
    }
}

}  // namespace headroom::net
