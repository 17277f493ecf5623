// SPDX-License-Identifier: Apache-2.0
// The one subscriber connection of a process, taken from its client's pool: channels by reference
// count, desired state issued again on every new connection and confirmed, gaps announced and never
// hidden.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "redis/client.hpp"

namespace headroom::redis {

struct subscriber_callbacks {
    // Runs on the event loop for each message, in order; must not block. The views end with the
    // call.
    std::function<void(std::string_view channel, std::string_view payload)> on_message;
    // The connection is lost: from now until on_restored messages may be missed.
    std::function<void(const error& why)> on_gap;
    // A new connection has confirmed every channel wanted at that time.
    std::function<void()> on_restored;
};

class subscriber {
public:
    // Dials nothing before the first subscribe. `owner_name` is how the pool shows its connection.
    subscriber(client& from, std::string_view owner_name, subscriber_callbacks callbacks);
    // stop() first.
    ~subscriber();
    subscriber(const subscriber&) = delete;
    subscriber& operator=(const subscriber&) = delete;

    // Adds one reference; returns when the server has confirmed the channel. On error no reference
    // is left.
    [[nodiscard]] boost::asio::awaitable<result<void>> subscribe(std::string channel, deadline by);
    // Drops one reference; the last one unsubscribes.
    void unsubscribe(std::string_view channel);

    // Returns once every wanted channel is confirmed on a live connection (at once where none is
    // wanted); dials if need be, without waiting for the back-off. The health monitor calls it
    // before it tells "up".
    [[nodiscard]] boost::asio::awaitable<result<void>> restore(deadline by);

    // Ends the connection and the reconnecting. Idempotent.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);

    [[nodiscard]] bool is_confirmed(std::string_view channel) const;
    [[nodiscard]] std::size_t channel_count() const;

private:
    struct state;
    std::shared_ptr<state> state_;  // second owner: the connection's read loop
};

}  // namespace headroom::redis
