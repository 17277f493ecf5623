// SPDX-License-Identifier: Apache-2.0
// Knows where the primary is by one connection to one sentinel at a time, shared by all pools of a
// process. Drives sentinel_watch on the event loop; decides nothing.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/client_name.hpp"
#include "redis/endpoint.hpp"
#include "redis/primary_locator.hpp"

namespace headroom::redis {

struct sentinel_locator_options {
    sentinel_options where;
    std::optional<tls_options> tls;  // to the sentinels
    process_identity identity;       // the connection's kind is pool_kind::sentinel
    // Stay connected and hear of failovers, from the first question on; else the connection is
    // closed once the address is told, and a move is noticed by the next dial only.
    bool stays_connected = true;
    clock::duration connect_timeout = std::chrono::seconds(1);  // of one sentinel
    std::uint64_t seed = 1;                                     // of the jitter
};

// What is known now, and totals since start.
struct sentinel_stats {
    std::optional<host_and_port> connected_to;  // the sentinel
    std::optional<host_and_port> primary;       // empty while in doubt
    std::uint64_t moves = 0;                    // the primary was replaced by another one
    std::uint64_t failed_rounds = 0;            // all sentinels were asked and none helped
};

class sentinel_locator final : public primary_locator {
public:
    // Dials nothing before the first question.
    sentinel_locator(boost::asio::any_io_executor executor, sentinel_locator_options options);
    // On the event loop. What is still connected is closed by the loop.
    ~sentinel_locator() override;

    [[nodiscard]] boost::asio::awaitable<result<host_and_port>> primary(deadline by) override;
    [[nodiscard]] result<host_and_port> wait_for_primary(deadline by) override;
    void on_dial_ended(const host_and_port& where, dial_end how) override;
    [[nodiscard]] bool has_moved_from(const host_and_port& where) const override;
    [[nodiscard]] boost::asio::awaitable<void> wait_for_move_from(host_and_port where,
                                                                  deadline by) override;
    [[nodiscard]] std::shared_ptr<void> on_move(std::function<void()> listener) override;

    // Ends the connection; questions pending and later, of loop and threads, fail with `closed`.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);

    // From any thread.
    [[nodiscard]] sentinel_stats stats() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // second owner: the task that holds the connection
};

}  // namespace headroom::redis
