// SPDX-License-Identifier: Apache-2.0
// What a client is made of, for its own .cpp and the subscriber's. Not for anybody else.
#pragma once

#include <memory>
#include <optional>

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

    // In this order: each uses those above it.
    client_options options;
    std::shared_ptr<wire_group> group;
    primary_connector opener;
    pool::async_pool pool;
    command_lane lane;
    bool is_closing = false;
    std::shared_ptr<void> move_listening;  // retires the connections when the primary moves
};

}  // namespace headroom::redis
