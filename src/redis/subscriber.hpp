// SPDX-License-Identifier: Apache-2.0
// The one subscriber connection of a process, taken from its client's pool: channels and patterns
// by reference count, desired state issued again on every new connection and confirmed, gaps
// announced and never hidden.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "redis/client.hpp"
#include "redis/core/subscriber_pulse.hpp"
#include "redis/core/subscription_book.hpp"
#include "redis/core/traffic.hpp"
#include "redis/message_stream.hpp"

namespace headroom::redis {

// Each runs on the event loop and must not block or throw. The views end with the call. A message
// that matches a channel and a pattern, or two patterns, comes once for each, as Redis sends it.
struct subscriber_callbacks {
    // For each message of a subscribed channel, in order.
    std::function<void(std::string_view channel, std::string_view payload)> on_message = {};
    // The connection is lost: from now until on_restored messages may be missed.
    std::function<void(const error& why)> on_gap = {};
    // A new connection has confirmed every topic wanted when it was made, but for those denied.
    std::function<void()> on_restored = {};
    // For each message that matches a subscribed pattern, in order with those of on_message.
    std::function<void(std::string_view pattern, std::string_view channel,
                       std::string_view payload)>
        on_pattern_message = {};
    // The server refuses a wanted topic, by its ACL: nothing comes from it until a later connection
    // or subscribe() is allowed it.
    std::function<void(const topic& what, const error& why)> on_denied = {};
};

struct subscriber_options {
    std::size_t topics_max = 1'000'000;      // channels and patterns together
    std::size_t name_bytes_max = 64 * 1024;  // of one channel or pattern
    subscription_bounds requests = {};       // how much is asked at once
    subscriber_pulse::bounds pulse = {};     // when a connection is given up
    reconnect_pace::bounds reconnect = {};   // pauses between connections
    // What the server refuses for a while (BUSY) is asked again after this.
    clock::duration refused_pause = std::chrono::milliseconds(200);
};

// What the subscriber looks like now, and totals since it was made.
struct subscriber_stats {
    std::size_t channels = 0;  // wanted
    std::size_t patterns = 0;
    bool is_connected = false;
    bool is_restored = false;  // connected, and nothing is missed

    std::uint64_t connections = 0;      // epochs begun
    std::uint64_t acquires_failed = 0;  // the pool had no connection for us
    std::uint64_t gaps = 0;             // announced
    std::uint64_t restorations = 0;     // announced
    // Connections lost, by loss_reason; and those that we ended (the client was closed).
    std::array<std::uint64_t, loss_reasons> losses{};
    std::uint64_t ended_by_us = 0;
    std::uint64_t commands = 0;   // SUBSCRIBE and the like
    std::uint64_t confirmed = 0;  // topics, by the server's answers
    std::uint64_t denied = 0;     // topics
    std::uint64_t messages = 0;   // for somebody
    std::uint64_t unwanted = 0;   // messages of topics given up meanwhile
    std::uint64_t dropped = 0;    // messages that streams had no room for
};

class subscriber {
public:
    // Dials nothing before the first subscribe. `owner_name` is how the pool shows its connection.
    subscriber(client& from, std::string_view owner_name, subscriber_callbacks callbacks,
               subscriber_options options = {});
    // stop() first.
    ~subscriber();
    subscriber(const subscriber&) = delete;
    subscriber& operator=(const subscriber&) = delete;

    // Adds one reference; returns when the server has confirmed the channel. On error no reference
    // is left: server_error (the ACL), unknown (not confirmed in time, or cancelled), queue_full
    // (topics_max), not_allowed (name_bytes_max), closed.
    [[nodiscard]] boost::asio::awaitable<result<void>> subscribe(std::string channel, deadline by);
    // Drops one reference; the last one unsubscribes.
    void unsubscribe(std::string_view channel);
    // The same for patterns: "news.*". Their messages come to on_pattern_message.
    [[nodiscard]] boost::asio::awaitable<result<void>> subscribe_pattern(std::string pattern,
                                                                         deadline by);
    void unsubscribe_pattern(std::string_view pattern);

    // A reference of its own, and a bounded queue of what comes; callbacks are called besides.
    // Errors as subscribe().
    [[nodiscard]] boost::asio::awaitable<result<message_stream>> open_stream(topic_kind kind,
                                                                             std::string name,
                                                                             stream_bounds bounds,
                                                                             deadline by);

    // Returns once every topic that was wanted when the connection was made is confirmed or denied
    // (at once where none is wanted); dials if need be, without waiting for the back-off. The
    // health monitor calls it before it tells "up".
    [[nodiscard]] boost::asio::awaitable<result<void>> restore(deadline by);

    // Ends the streams, the connection and the reconnecting. Idempotent.
    [[nodiscard]] boost::asio::awaitable<void> stop(deadline by);

    [[nodiscard]] bool is_confirmed(std::string_view channel) const;
    [[nodiscard]] bool is_pattern_confirmed(std::string_view pattern) const;
    [[nodiscard]] std::size_t channel_count() const;
    [[nodiscard]] std::size_t pattern_count() const;
    [[nodiscard]] subscriber_stats stats() const;

private:
    friend class message_stream;
    struct state;
    std::shared_ptr<state> state_;  // second owner: the connection's read loop
};

}  // namespace headroom::redis
