// SPDX-License-Identifier: Apache-2.0
// A Redis connection for one thread at a time, on a socket whose waits know a deadline.
// Shares parser and handshake with the asynchronous one, and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pool/blocking_pool.hpp"
#include "redis/blocking_socket.hpp"
#include "redis/core/command.hpp"
#include "redis/core/command_traits.hpp"
#include "redis/core/resp_parser.hpp"
#include "redis/dial_kit.hpp"
#include "redis/redis_error.hpp"

namespace headroom::redis {

class blocking_connection final : public pool::blocking_connection {
public:
    explicit blocking_connection(blocking_socket socket) : socket_(std::move(socket)) {}

    [[nodiscard]] bool is_alive() noexcept override { return socket_.is_quiet(); }
    // Perhaps from another thread. The pool does not close a connection while it is in use.
    void abort() noexcept override { socket_.abort(); }
    [[nodiscard]] int close() noexcept override { return socket_.release_half_closed(); }

    // One reply for each command. After an error the connection is of no more use.
    [[nodiscard]] result<std::vector<value>> exchange(std::span<const command> what, deadline by);
    // One command whose reply is one string, handed to `sink` piece by piece as it comes, so that
    // its size costs no memory. A server error is the error. `sink` must not throw.
    [[nodiscard]] result<void> stream(const command& what,
                                      std::function<void(std::string_view)> sink, deadline by);

    // Why the TLS session broke; empty where it has not, or there is none.
    [[nodiscard]] const std::string& tls_fault() const { return socket_.tls_fault(); }
    [[nodiscard]] session_state& session() { return session_; }

    // For a lane, which pairs the replies itself. As blocking_socket: send_some() never blocks;
    // wait() returns when a reply can be read, or more be sent if that is wanted, or `also` can be
    // read. receive() appends what has come and says how many bytes; its failure is the
    // connection's end.
    [[nodiscard]] std::size_t send_some(std::string_view bytes) { return socket_.send_some(bytes); }
    [[nodiscard]] result<void> wait(bool is_writing, deadline by, int also) {
        using readiness = blocking_socket::readiness;
        return socket_.wait(is_writing ? readiness::to_read_or_write : readiness::to_read, by,
                            also);
    }
    [[nodiscard]] result<std::size_t> receive(std::vector<value>& replies) {
        return read_available(replies, SIZE_MAX);
    }

private:
    [[nodiscard]] result<std::size_t> read_available(std::vector<value>& replies,
                                                     std::size_t wanted);

    blocking_socket socket_;
    resp_parser parser_;
    session_state session_;
};

class blocking_connector final : public pool::blocking_connector {
public:
    explicit blocking_connector(dial_options options) : kit_(std::move(options)) {}
    [[nodiscard]] result<std::unique_ptr<pool::blocking_connection>> open(deadline by) override;
    [[nodiscard]] pool::open_failure classify(const error& why) const noexcept override;

private:
    dial_kit kit_;
};

}  // namespace headroom::redis
