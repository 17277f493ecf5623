// SPDX-License-Identifier: Apache-2.0
// The messages of one subscription that its consumer has not taken yet: bounded, with a stated
// policy for when it is full, and with every loss marked where it happened. Not the waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::redis {

enum class overflow_policy : std::uint8_t {
    drop_oldest,  // the consumer is told how many, before the message that follows them
    disconnect,   // the subscription ends; what is queued can still be taken
};

struct stream_bounds {
    std::size_t messages_max = 1'000;     // at least 1
    std::size_t bytes_max = 1024 * 1024;  // of all that is queued, with what each item takes itself
    overflow_policy when_full = overflow_policy::drop_oldest;
};

struct stream_item {
    enum class kind : std::uint8_t {
        message,
        lost,  // `count` messages were dropped here, because the consumer was too slow
        gap,   // the connection was lost and the topic is subscribed again: what was published in
               // between is missing. State that is read now misses nothing that follows.
    };
    kind what = kind::message;
    std::uint64_t count = 0;
    std::string channel;  // where a pattern's message was published; of a channel's stream: empty
    std::string payload;
    bool operator==(const stream_item&) const = default;
};

class message_queue {
public:
    explicit message_queue(stream_bounds bounds);

    // False when the policy is to disconnect and there is no room: nothing is taken from now on.
    [[nodiscard]] bool push(std::string_view channel, std::string payload);
    // Several with no message between are one.
    void push_gap();
    // The oldest; empty when there is none.
    [[nodiscard]] std::optional<stream_item> pop();

    [[nodiscard]] bool empty() const { return items_.empty() && lost_ == 0 && !lost_a_gap_; }
    [[nodiscard]] std::size_t size() const { return messages_; }  // messages
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // since it was made
    [[nodiscard]] bool has_overflowed() const { return has_overflowed_; }

private:
    [[nodiscard]] bool has_room_for(std::size_t bytes) const;
    void drop_oldest();
    void lose_one();

    stream_bounds bounds_;
    std::deque<stream_item> items_;
    std::size_t messages_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t lost_ = 0;   // before the first of items_
    bool lost_a_gap_ = false;  // a marker among them
    std::uint64_t dropped_ = 0;
    bool has_overflowed_ = false;
};

}  // namespace headroom::redis
