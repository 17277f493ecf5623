// SPDX-License-Identifier: Apache-2.0
// The Redis pool of threads (`sync`): blocking calls with the same names, caps and outcomes as the
// asynchronous client. On an event loop's thread (net::loop_thread) and in a fork each call is
// refused with not_allowed.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "pool/blocking_pool.hpp"
#include "pool/call.hpp"
#include "redis/client.hpp"

namespace headroom::redis {

// Safe from any number of threads. Short commands of many threads share few connections and are
// pipelined on them (blocking_lane); blocking commands, pipelines with WATCH, MULTI or session
// state, and what is longer than 64 commands or 64 KiB hold a connection of their own while they
// last. The cap counts both.
class blocking_client {
public:
    explicit blocking_client(client_options options);
    ~blocking_client();
    blocking_client(const blocking_client&) = delete;
    blocking_client& operator=(const blocking_client&) = delete;

    [[nodiscard]] pool::owner_id owner(std::string_view name);
    // One command. A server error comes back as the error. Past its deadline a call ends as unknown
    // or not_sent, and its reply, should it come, is nobody's.
    [[nodiscard]] result<value> execute(const command& what, call how);
    // In order, on one connection; not atomic. Server errors stay among the values.
    [[nodiscard]] result<std::vector<value>> pipeline(const std::vector<command>& what, call how);
    // As client::retire_connections.
    void retire_connections();
    // Fails new calls with `closed`, lets pending ones finish until `by`, then cuts them. Allowed
    // on an event loop's thread, which it blocks for as long as calls are pending.
    [[nodiscard]] result<void> close(deadline by);

    // Every call counts as an acquire, also where it shares a connection.
    [[nodiscard]] pool::pool_stats stats() const;
    [[nodiscard]] std::vector<pool::owner_usage> owners() const;
    [[nodiscard]] lane_stats lane() const;
    // Of the lane; what leases carry is not counted.
    [[nodiscard]] lane_traffic traffic() const;
    [[nodiscard]] const client_options& options() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace headroom::redis
