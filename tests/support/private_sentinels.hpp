// SPDX-License-Identifier: Apache-2.0
// One primary, two replicas and three sentinels of one test's own, on free ports, ended with the
// object. The sentinels call the primary `shop`, take a second of silence for a failure, and two
// of them decide. With 300 ms Sentinel 7.0 now and then takes a new primary for dead while it
// reconnects to it, and fails over once more.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/private_redis.hpp"

namespace headroom::test {

// One sentinel. Not a client of ours, so that it can judge ours.
class private_sentinel {
public:
    // Watches the primary at `primary_port` of this host. A password is asked of clients, and used
    // towards other sentinels. `tls_lines`: its certificates, as lines of its configuration; with
    // them it listens by TLS only, and reaches the primary and other sentinels by TLS.
    private_sentinel(std::uint16_t primary_port, std::string password = {},
                     std::string_view tls_lines = {});
    ~private_sentinel();
    private_sentinel(const private_sentinel&) = delete;
    private_sentinel& operator=(const private_sentinel&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] bool is_running() const { return pid_ > 0; }
    void start();  // again, on the same port
    void kill();
    void suspend();
    void resume();

    // The whole reply to one inline command, asked on a unix socket beside the port; empty when
    // nobody answers within a second.
    [[nodiscard]] std::string ask(std::string_view command) const;
    // Connections whose name ends so.
    [[nodiscard]] std::size_t count_clients(std::string_view name_end) const;

private:
    [[nodiscard]] std::string unix_path() const { return folder_ + "/sentinel.sock"; }

    std::string folder_;
    std::string password_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

class sentinel_world {
public:
    // Returns once the sentinels know each other and both replicas, so that a failover can succeed.
    explicit sentinel_world(std::string sentinel_password = {});

    [[nodiscard]] private_redis& server_at(std::uint16_t port);
    [[nodiscard]] std::vector<std::unique_ptr<private_redis>>& servers() { return servers_; }
    [[nodiscard]] private_sentinel& sentinel(std::size_t i) { return *sentinels_.at(i); }
    [[nodiscard]] std::size_t sentinel_count() const { return sentinels_.size(); }
    // What the first sentinel that answers says; 0: none does.
    [[nodiscard]] std::uint16_t primary_port() const;
    // Connections to all sentinels together whose name ends so.
    [[nodiscard]] std::size_t count_on_sentinels(std::string_view name_end) const;
    // Connections to one server whose name begins so.
    [[nodiscard]] static std::size_t count_on(private_redis& server, std::string_view name_begin);

private:
    std::vector<std::unique_ptr<private_redis>> servers_;  // the first primary comes first
    std::vector<std::unique_ptr<private_sentinel>> sentinels_;
};

}  // namespace headroom::test
