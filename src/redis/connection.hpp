// SPDX-License-Identifier: Apache-2.0
// An entered Redis connection, as its pool holds it, and who opens one. Included by .cpp files
// only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "pool/connection.hpp"
#include "redis/core/command_traits.hpp"
#include "redis/dial_kit.hpp"
#include "redis/wire.hpp"

namespace headroom::redis {

class connection final : public pool::connection {
public:
    connection(std::shared_ptr<redis::wire> link, int protocol)
        : link_(std::move(link)), protocol_(protocol) {}
    ~connection() override;

    [[nodiscard]] bool is_alive() noexcept override { return link_->is_quiet(); }
    void abort() noexcept override { link_->abort(); }
    [[nodiscard]] int close() noexcept override { return link_->close(); }

    [[nodiscard]] const std::shared_ptr<redis::wire>& link() const { return link_; }
    [[nodiscard]] int protocol() const { return protocol_; }
    // What the commands of leases have left behind.
    [[nodiscard]] session_state& session() { return session_; }

private:
    std::shared_ptr<redis::wire> link_;
    int protocol_;
    session_state session_;
};

class connector final : public pool::connector {
public:
    connector(dial_options options, std::shared_ptr<wire_group> group)
        : kit_(std::move(options)), group_(std::move(group)) {}

    // Connected, by TLS where the endpoint says so, and named and authenticated in the handshake.
    [[nodiscard]] boost::asio::awaitable<result<std::unique_ptr<pool::connection>>> open(
        deadline by) override;
    [[nodiscard]] pool::open_failure classify(const error& why) const noexcept override;

private:
    [[nodiscard]] boost::asio::awaitable<result<net::stream_socket>> dial(deadline by);
    [[nodiscard]] boost::asio::awaitable<result<std::unique_ptr<net::tls_session>>> secure(
        net::stream_socket& socket, deadline by);

    dial_kit kit_;
    std::shared_ptr<wire_group> group_;
};

}  // namespace headroom::redis
