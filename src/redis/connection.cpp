// SPDX-License-Identifier: Apache-2.0
#include "redis/connection.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "net/tls_handshake.hpp"
#include "redis/core/handshake.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

// How long a refused connection is watched until the server has let go of it, so that its
// successor is not counted on top of it.
constexpr auto release_grace = std::chrono::seconds(1);
// And when the dial was cancelled, because its pool closes.
constexpr auto cancelled_release_grace = std::chrono::milliseconds(100);

asio::awaitable<void> wait_for_release(int copy, deadline by) {
    if (copy < 0) co_return;
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    const bool is_cancelled = cancellation.cancelled() != asio::cancellation_type::none;
    const clock::duration grace = is_cancelled ? cancelled_release_grace : release_grace;
    (void)co_await net::read_to_end(copy, std::min(by, clock::now() + grace));
}

asio::awaitable<result<int>> enter(wire& link, handshake_request request, deadline by) {
    handshake entering(std::move(request));
    while (entering.current() == handshake::state::asking) {
        const auto& commands = entering.commands();
        std::vector<value> replies(commands.size());
        exchange x(commands, replies.data(), by);
        co_await submission{x, link};
        if (x.failure) {
            co_return failure(redis_errc::connect_failed, "handshake: " + x.failure->what());
        }
        entering.on_replies(replies);
    }
    switch (entering.current()) {
        case handshake::state::rejected:
            co_return failure(redis_errc::auth_failed, entering.reason());
        case handshake::state::failed:
            co_return failure(redis_errc::connect_failed, entering.reason());
        default:
            co_return entering.protocol();
    }
}

}  // namespace

connection::~connection() {
    const int copy = link_->close();
    if (copy >= 0) ::close(copy);
}

asio::awaitable<result<net::stream_socket>> connector::dial(deadline by) {
    const auto& server = kit_.server();
    auto socket = result<net::stream_socket>(std::unexpected(error{}));
    if (!server.unix_path.empty()) {
        socket = co_await net::connect_unix(server.unix_path, by);
    } else {
        socket = co_await net::connect_tcp(server.host, server.port, by, kit_.tcp());
    }
    if (!socket) co_return std::unexpected(to_dial_error(socket.error()));
    co_return socket;
}

// Null where the server is spoken to plainly.
asio::awaitable<result<std::unique_ptr<net::tls_session>>> connector::secure(
    net::stream_socket& socket, deadline by) {
    auto session = kit_.start_tls(kit_.server().host);
    if (!session || !*session) co_return session;
    const auto shaken = co_await net::shake_hands(socket, **session, by);
    if (shaken) co_return session;
    const int copy = ::fcntl(socket.native_handle(), F_DUPFD_CLOEXEC, 0);
    (void)::shutdown(socket.native_handle(), SHUT_WR);
    boost::system::error_code ignored;
    socket.close(ignored);
    co_await wait_for_release(copy, by);
    auto why = to_dial_error(shaken.error());
    why.detail = to_string(kit_.server()) + ": " + why.detail;
    co_return std::unexpected(std::move(why));
}

asio::awaitable<result<std::unique_ptr<pool::connection>>> connector::open(deadline by) {
    auto request = kit_.request();
    if (!request) co_return std::unexpected(std::move(request.error()));
    auto socket = co_await dial(by);
    if (!socket) co_return std::unexpected(std::move(socket.error()));
    auto session = co_await secure(*socket, by);
    if (!session) co_return std::unexpected(std::move(session.error()));

    auto link = std::make_shared<wire>(std::move(*socket), group_, std::move(*session));
    link->start();
    const auto protocol = co_await enter(*link, std::move(*request), by);
    if (protocol) co_return std::make_unique<connection>(std::move(link), *protocol);

    // TLS 1.3: a server that refuses our certificate says so after our side of the handshake.
    const bool is_tls_refusal = link->loss() && link->loss()->code == redis_errc::tls_failed;
    const auto why = is_tls_refusal ? *link->loss() : protocol.error();
    co_await wait_for_release(link->close(), by);
    co_return failure(why.code, to_string(kit_.server()) + ": " + why.detail);
}

pool::open_failure connector::classify(const error& why) const noexcept {
    return classify_dial_error(why);
}

}  // namespace headroom::redis
