// SPDX-License-Identifier: Apache-2.0
// What a client is made of, for its own .cpp and the subscriber's. Not for anybody else.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "pool/async_pool.hpp"
#include "redis/client.hpp"
#include "redis/command_lane.hpp"
#include "redis/primary_connector.hpp"
#include "redis/wire_group.hpp"

namespace headroom::redis {

struct client::state {
    state(boost::asio::any_io_executor executor, client_options given);
    ~state();
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    [[nodiscard]] std::string describe() const;
    // READONLY, NOAUTH: the connections lead to a server, or an authority, that is no longer. Names
    // are resolved anew; at most once a second. What is in flight comes to its end.
    void replace_connections(clock::time_point now);
    // To errors among the replies: replaces the connections where the table says so.
    void react_to(std::span<const value> replies);
    // A lease can be had while the lane has all connections it may.
    [[nodiscard]] bool has_room_for_leases() const;
    // So long that others would wait behind it, and a lease can be had.
    [[nodiscard]] bool wants_lease(std::span<const command> what) const;

    // In this order: each uses those above it.
    client_options options;
    std::shared_ptr<wire_group> group;
    primary_connector opener;
    pool::async_pool pool;
    command_lane lane;
    bool is_closing = false;
    std::optional<clock::time_point> replaced_at;
    state_handle handle;
    std::shared_ptr<void> move_listening;  // retires the connections when the primary moves
};

struct client::request {
    std::span<const command> commands;
    value* replies;                          // one for each command; theirs is who made this
    const reply_visitor* visitor = nullptr;  // shown the one reply instead
    bool on_lease = false;                   // else on the lane
};

}  // namespace headroom::redis
