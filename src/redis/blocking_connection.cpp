// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_connection.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "redis/core/handshake.hpp"

namespace headroom::redis {

namespace {

constexpr std::string_view too_late = "its deadline has passed";
using readiness = blocking_socket::readiness;

// Until the server has let go of it, so that its successor is not counted on top of it.
deadline release_deadline(deadline by) {
    return std::min(by, clock::now() + std::chrono::seconds(1));
}

result<void> enter(blocking_connection& connection, handshake_request request, deadline by) {
    handshake entering(std::move(request));
    while (entering.current() == handshake::state::asking) {
        auto replies = connection.exchange(entering.commands(), by);
        if (!replies) {
            return failure(redis_errc::connect_failed, "handshake: " + replies.error().what());
        }
        entering.on_replies(*replies);
    }
    if (entering.current() == handshake::state::done) return {};
    return failure(entering.current() == handshake::state::rejected ? redis_errc::auth_failed
                                                                    : redis_errc::connect_failed,
                   entering.reason());
}

}  // namespace

result<std::vector<value>> blocking_connection::exchange(std::span<const command> what,
                                                         deadline by) {
    std::string out;
    for (const auto& each : what)
        each.encode_to(out);
    std::vector<value> replies;
    replies.reserve(what.size());
    std::size_t sent = 0;
    const auto fail = [&sent](const error& why) {
        if (why.code == redis_errc::protocol_error) return std::unexpected(why);
        return std::unexpected(
            error{sent == 0 ? redis_errc::not_sent : redis_errc::unknown, why.detail});
    };
    while (replies.size() < what.size()) {
        if (sent < out.size()) sent += socket_.send_some(std::string_view(out).substr(sent));
        // Replies are read while requests are still being written, or both sides could wait.
        const bool is_writing = sent < out.size();
        const auto ready =
            socket_.wait(is_writing ? readiness::to_read_or_write : readiness::to_read, by);
        if (!ready) return fail(ready.error());
        const auto read = read_available(replies, what.size());
        if (!read) return fail(read.error());
        // A server that never stops sending is always ready to be read.
        if (replies.size() < what.size() && clock::now() >= by)
            return fail({redis_errc::unknown, std::string(too_late)});
    }
    // The beginning of something would be taken for the next command's reply.
    if (!parser_.is_between_values()) {
        return failure(redis_errc::protocol_error, "a part of a reply to no command");
    }
    return replies;
}

result<void> blocking_connection::stream(const command& what,
                                         std::function<void(std::string_view)> sink, deadline by) {
    parser_.divert_strings(std::move(sink));
    auto replies = exchange({&what, 1}, by);
    if (!replies) return std::unexpected(replies.error());
    parser_.divert_strings({});
    const auto& reply = replies->front();
    if (reply.is_error()) return failure(classify_server_error(reply.text), reply.text);
    if (!reply.is_string()) {
        return failure(redis_errc::unexpected_reply,
                       std::string(what.name()) + " was not answered by a string");
    }
    return {};
}

result<std::size_t> blocking_connection::read_available(std::vector<value>& replies,
                                                        std::size_t wanted) {
    std::array<char, 16 * 1024> buffer;
    const auto n = socket_.receive_some(buffer);
    if (!n) return std::unexpected(n.error());
    std::string_view input(buffer.data(), *n);
    for (;;) {
        auto parsed = parser_.next(input);
        if (!parsed) return failure(redis_errc::protocol_error, parsed.error().reason);
        if (!parsed->has_value()) return n;
        if ((*parsed)->kind == value_kind::push) continue;
        if (replies.size() == wanted) {
            return failure(redis_errc::protocol_error, "a reply to no command");
        }
        replies.push_back(std::move(**parsed));
    }
}

result<std::unique_ptr<pool::blocking_connection>> blocking_connector::open(deadline by) {
    auto request = kit_.request();
    if (!request) return std::unexpected(std::move(request.error()));
    auto socket = blocking_socket::connect(kit_.server(), by, kit_.tcp());
    if (!socket) return std::unexpected(std::move(socket.error()));
    auto session = kit_.start_tls(kit_.server().host);
    if (!session) return std::unexpected(std::move(session.error()));
    error why;
    if (auto secured = socket->secure(std::move(*session), by); !secured) {
        why = std::move(secured.error());
        wait_for_release(socket->release_half_closed(), release_deadline(by));
        return failure(why.code, to_string(kit_.server()) + ": " + why.detail);
    }
    auto opened = std::make_unique<blocking_connection>(std::move(*socket));
    const auto entered = enter(*opened, std::move(*request), by);
    if (entered) return opened;
    why = entered.error();
    // TLS 1.3: a server that refuses our certificate says so after our side of the handshake.
    if (!opened->tls_fault().empty()) why = {redis_errc::tls_failed, opened->tls_fault()};
    wait_for_release(opened->close(), release_deadline(by));
    return failure(why.code, to_string(kit_.server()) + ": " + why.detail);
}

pool::open_failure blocking_connector::classify(const error& why) const noexcept {
    return classify_dial_error(why);
}

}  // namespace headroom::redis
