// SPDX-License-Identifier: Apache-2.0
// Listening TCP sockets, opened once by the supervisor. Nothing is accepted here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/time.hpp"

namespace headroom::chat {

// Owns the descriptor.
class listener {
public:
    listener() = default;
    listener(int descriptor, std::string address, std::uint16_t port)
        : descriptor_(descriptor), address_(std::move(address)), port_(port) {}
    ~listener() { close(); }
    listener(listener&& other) noexcept { *this = std::move(other); }
    listener& operator=(listener&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        std::swap(address_, other.address_);
        std::swap(port_, other.port_);
        return *this;
    }

    [[nodiscard]] int descriptor() const { return descriptor_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }  // the real one, never 0
    // For people: an address of this host, also when bound to all of them.
    [[nodiscard]] std::string url() const;
    void note_port(std::uint16_t port) { port_ = port; }
    // To an owner of its own.
    [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
    void close();

private:
    int descriptor_ = -1;
    std::string address_;
    std::uint16_t port_ = 0;
};

struct listen_at {
    std::string address;  // IPv4 or IPv6
    std::uint16_t port = 0;
    std::string variable;  // which one to change when the port is taken
};

// Tries until `by`: workers of a chatd that was just killed hold the port for a moment.
[[nodiscard]] boost::asio::awaitable<result<listener>> open_listener(listen_at where, deadline by);

}  // namespace headroom::chat
