// SPDX-License-Identifier: Apache-2.0
#include "net/tls_handshake.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/deadline.hpp"
#include "net/tls_transfer.hpp"

namespace headroom::net {

namespace asio = boost::asio;

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

error why_lost(const boost::system::error_code& ec, const deadline_guard& guard,
               const tls_session& session) {
    if (guard.has_expired()) return {net_errc::timeout, silent_to_tls};
    if (ec == asio::error::eof) return session.end_of_stream();
    return {net_errc::connect_failed, "in the TLS handshake: " + ec.message()};
}

}  // namespace

asio::awaitable<result<void>> shake_hands(stream_socket& socket, tls_session& session,
                                          deadline by) {
    const deadline_guard guard(socket.get_executor(), by, [&socket] {
        boost::system::error_code ignored;
        socket.cancel(ignored);
    });
    std::array<char, 8 * 1024> received;
    for (;;) {
        auto stands = session.advance();
        if (!stands) {
            (void)send_pending(session, socket.native_handle());  // the alert that says why
            co_return std::unexpected(std::move(stands.error()));
        }
        const auto bytes = session.to_send();
        if (!bytes.empty()) {
            if (guard.has_expired()) co_return failure(net_errc::timeout, silent_to_tls);
            const auto [ec, sent] = co_await asio::async_write(
                socket, asio::buffer(bytes.data(), bytes.size()), use_tuple);
            if (ec) co_return std::unexpected(why_lost(ec, guard, session));
            session.on_sent(sent);
        }
        if (*stands) co_return result<void>{};
        if (guard.has_expired()) co_return failure(net_errc::timeout, silent_to_tls);
        const auto [ec, got] = co_await socket.async_read_some(asio::buffer(received), use_tuple);
        if (ec) co_return std::unexpected(why_lost(ec, guard, session));
        session.feed({received.data(), got});
    }
}

}  // namespace headroom::net
