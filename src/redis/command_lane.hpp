// SPDX-License-Identifier: Apache-2.0
// The shared way to use a pool: a few connections, leased for long, on which everybody's commands
// are pipelined. Chooses the connection, opens more under load, gives surplus ones up under
// pressure. Included by .cpp files only. Event loop only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/event.hpp"
#include "pool/async_pool.hpp"
#include "redis/connection.hpp"
#include "redis/core/lane_sizing.hpp"
#include "redis/exchange.hpp"
#include "redis/wire_group.hpp"

namespace headroom::redis {

struct lane_limits {
    std::uint32_t connections_max = 6;
    std::size_t commands_max = 100'000;        // queued and in flight, each connection
    std::size_t bytes_max = 64 * 1024 * 1024;  // queued to be written, each connection
    clock::duration shrink_interval = std::chrono::seconds(30);
    clock::duration growth_timeout = std::chrono::seconds(5);
};

class command_lane final : public exchange_holder, public exchange_sink {
public:
    command_lane(lane_limits limits, pool::async_pool& pool, std::shared_ptr<wire_group> group);
    ~command_lane();
    command_lane(const command_lane&) = delete;
    command_lane& operator=(const command_lane&) = delete;

    // Whoever owns lane and pool; dials in flight keep it alive.
    void set_owner(std::weak_ptr<void> owner) { owner_ = std::move(owner); }

    void accept(exchange& x) override;
    void withdraw(exchange& x, std::string_view why) override;
    [[nodiscard]] deadline expire(clock::time_point now) override;

    // Somebody waits for a lease: one connection above the first is given back, once its replies
    // have come.
    void give_one_back();

    // Takes no further command on the connections of now: each is given back once its replies have
    // come.
    void replace_connections();

    // True once nothing is outstanding, false when `by` passed first.
    [[nodiscard]] boost::asio::awaitable<bool> wait_until_idle(deadline by);
    // Ends everything outstanding and gives all connections back. Final.
    void shut();

    [[nodiscard]] std::uint32_t connections() const {
        return static_cast<std::uint32_t>(members_.size());
    }
    [[nodiscard]] std::size_t outstanding() const;
    [[nodiscard]] bool is_dialling() const { return is_dialling_; }
    [[nodiscard]] std::uint64_t commands() const { return commands_; }
    [[nodiscard]] std::uint64_t reconnects() const { return losses_; }
    [[nodiscard]] std::uint64_t queue_full() const { return queue_full_; }

private:
    struct member {
        pool::lease held;
        std::shared_ptr<wire> link;
        bool is_retiring = false;
    };

    [[nodiscard]] member* least_loaded();
    [[nodiscard]] static lane_load load_of(const member& of);
    void bring(exchange& x, member& to);
    void fail(exchange& x, redis_errc code, std::string detail);
    void hold(exchange& x);  // until there is a connection
    void forget(exchange& x);

    void dial_if_needed();
    [[nodiscard]] bool should_grow() const;
    void watch_size();
    void look_at_size();
    void watch_lifetimes();
    void wait_for_lifetime(clock::time_point end);
    void look_at_lifetimes();
    [[nodiscard]] bool has_room_for_successor() const;
    void retire_one(member& what);  // may erase it
    void on_successor(bool has_come);
    void retire_outlived();
    [[nodiscard]] deadline latest_deadline() const;
    static boost::asio::awaitable<void> dial(std::shared_ptr<void> keeper, command_lane& lane);
    [[nodiscard]] bool on_dialled(result<pool::lease> held);
    [[nodiscard]] bool adopt(pool::lease held);
    void fail_waiting(redis_errc code, const std::string& detail);

    void on_lost(const wire* link, exchange_list unsent);
    void on_idle(const wire* link);
    void release(const wire* link, bool reusable);

    lane_limits limits_;
    pool::async_pool& pool_;
    std::shared_ptr<wire_group> group_;
    pool::owner_id name_;
    std::weak_ptr<void> owner_;

    std::vector<member> members_;
    exchange_list waiting_;
    std::size_t commands_waiting_ = 0;
    std::size_t bytes_waiting_ = 0;
    lane_sizing sizing_;
    boost::asio::steady_timer size_timer_;
    bool is_size_watched_ = false;
    boost::asio::steady_timer lifetime_timer_;
    bool is_successor_wanted_ = false;  // before the only connection of all is given back
    bool is_dialling_ = false;
    bool is_shut_ = false;
    net::event idle_;
    std::uint64_t commands_ = 0;
    std::uint64_t losses_ = 0;
    std::uint64_t queue_full_ = 0;
};

}  // namespace headroom::redis
