// SPDX-License-Identifier: Apache-2.0
#include "redis/connection.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "redis/core/handshake.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

// How long a refused connection is watched until the server has let go of it, so that its
// successor is not counted on top of it.
constexpr auto release_grace = std::chrono::seconds(1);
// And when the dial was cancelled, because its pool closes.
constexpr auto cancelled_release_grace = std::chrono::milliseconds(100);

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

asio::awaitable<result<std::unique_ptr<pool::connection>>> connector::open(deadline by) {
    auto socket = result<net::stream_socket>(std::unexpected(error{}));
    if (!server_.unix_path.empty()) {
        socket = co_await net::connect_unix(server_.unix_path, by);
    } else {
        socket = co_await net::connect_tcp(server_.host, server_.port, by);
    }
    if (!socket) co_return failure(redis_errc::connect_failed, socket.error().what());

    auto link = std::make_shared<wire>(std::move(*socket), group_);
    link->start();
    const auto protocol =
        co_await enter(*link, {server_.username, server_.password, name_, server_.database}, by);
    if (protocol) co_return std::make_unique<connection>(std::move(link), *protocol);

    const int copy = link->close();
    if (copy >= 0) {
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        const bool is_cancelled = cancellation.cancelled() != asio::cancellation_type::none;
        const clock::duration grace = is_cancelled ? cancelled_release_grace : release_grace;
        (void)co_await net::read_to_end(copy, std::min(by, clock::now() + grace));
    }
    co_return failure(protocol.error().code, to_string(server_) + ": " + protocol.error().detail);
}

pool::open_failure connector::classify(const error& why) const noexcept {
    return why.code == redis_errc::auth_failed ? pool::open_failure::permanent
                                               : pool::open_failure::transient;
}

}  // namespace headroom::redis
