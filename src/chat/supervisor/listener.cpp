// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/deadline.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int backlog = 1024;
constexpr auto pause = std::chrono::milliseconds(100);

std::error_code last_error() {
    return {errno, std::generic_category()};
}

result<listener> try_listen(const listen_at& where, const tcp::endpoint& at) {
    const int descriptor =
        ::socket(at.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return failure(last_error(), "socket");
    listener opened(descriptor, where.address, 0);
    const int yes = 1;
    (void)::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(descriptor, at.data(), static_cast<socklen_t>(at.size())) != 0 ||
        ::listen(descriptor, backlog) != 0) {
        return failure(last_error());
    }
    tcp::endpoint bound;
    auto size = static_cast<socklen_t>(bound.capacity());
    if (::getsockname(descriptor, bound.data(), &size) != 0) return failure(last_error());
    bound.resize(size);
    opened.note_port(bound.port());
    return opened;
}

std::string advice(const listen_at& where, const std::error_code& why) {
    if (why == std::errc::address_in_use)
        return fmt::format("port {} of {} is in use by another program: stop it, or set {}",
                           where.port, where.address, where.variable);
    if (why == std::errc::permission_denied)
        return fmt::format("port {} may not be opened by this user: set {} to 1024 or more",
                           where.port, where.variable);
    return fmt::format("cannot listen on {} port {}: set CHAT_BIND or {}", where.address,
                       where.port, where.variable);
}

}  // namespace

std::string listener::url() const {
    boost::system::error_code invalid;
    auto address = asio::ip::make_address(address_, invalid);
    if (!invalid && address.is_unspecified()) {
        address = address.is_v6() ? asio::ip::address(asio::ip::address_v6::loopback())
                                  : asio::ip::address(asio::ip::address_v4::loopback());
    }
    const std::string text = address.to_string();
    return address.is_v6() ? fmt::format("http://[{}]:{}", text, port_)
                           : fmt::format("http://{}:{}", text, port_);
}

void listener::close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

asio::awaitable<result<listener>> open_listener(listen_at where, deadline by) {
    boost::system::error_code invalid;
    const auto address = asio::ip::make_address(where.address, invalid);
    if (invalid) co_return failure(std::error_code(invalid), where.address + " is no IP address");
    const tcp::endpoint at(address, where.port);
    for (;;) {
        auto opened = try_listen(where, at);
        if (opened) co_return opened;
        const std::error_code why = opened.error().code;
        if (why != std::errc::address_in_use || clock::now() + pause > by)
            co_return failure(why, advice(where, why));
        co_await net::sleep_until(clock::now() + pause);
    }
}

}  // namespace headroom::chat
