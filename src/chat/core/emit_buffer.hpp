// SPDX-License-Identifier: Apache-2.0
// What an executor has emitted and Redis has not confirmed yet: in order, bounded, one batch out at
// a time. Decides what is taken and what is refused; publishes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "chat/core/stream_event.hpp"

namespace headroom::chat {

// While Redis is away events are held in order up to these bounds; beyond them new ones are refused
// and counted, those held stay. When it is back, one event tells how many are missing.
struct emit_bounds {
    std::size_t events_max = 1'000;
    std::size_t bytes_max = 1024 * 1024;  // of names and data
    std::size_t event_bytes_max = 32 * 1024;
    std::size_t batch_events_max = 64;  // of one publication
};

struct emit_stats {
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;  // refused: the buffer was full, or Redis refuses all
    std::uint64_t held = 0;     // accepted, not delivered yet
};

enum class emit_verdict : std::uint8_t {
    taken,
    full,       // counted as dropped
    too_long,   // more than event_bytes_max
    no_record,  // a name with other bytes than '!'..'~', or data that are not one line of UTF-8
};

class emit_buffer {
public:
    explicit emit_buffer(emit_bounds bounds) : bounds_(bounds) {}

    // After a refusal for fullness all are refused until one batch is delivered, so that what is
    // missing is missing in one place, and is told there.
    [[nodiscard]] emit_verdict push(outgoing_event event);
    // Counts one that is refused without being looked at.
    void drop() { ++stats_.dropped; }

    // The oldest events; they stay held. Empty when there are none, or a batch is out.
    [[nodiscard]] std::vector<outgoing_event> take_batch();
    // The batch that is out. Gives how many events were refused since this was last told: the
    // caller puts in a notice.
    [[nodiscard]] std::uint64_t on_delivered();
    // Beyond the bounds and uncounted: it is the buffer's own word. At most one a batch.
    void add_notice(outgoing_event event);

    // Of the last event put in, or of the notice that is due after it; and of the last one
    // delivered: all is delivered when they are the same.
    [[nodiscard]] std::uint64_t position() const { return position_ + (untold_ > 0 ? 1 : 0); }
    [[nodiscard]] std::uint64_t delivered_position() const { return delivered_position_; }
    [[nodiscard]] emit_stats stats() const;

private:
    struct held_event {
        outgoing_event event;
        bool is_notice = false;
    };
    struct batch {
        std::size_t events = 0;
        std::size_t counted = 0;  // without notices
        std::size_t bytes = 0;
    };

    [[nodiscard]] bool has_room(std::size_t bytes) const;
    void put(outgoing_event event, bool is_notice);

    emit_bounds bounds_;
    std::deque<held_event> waiting_;
    batch out_;
    std::size_t bytes_ = 0;  // waiting and out
    std::uint64_t untold_ = 0;
    std::uint64_t position_ = 0;
    std::uint64_t delivered_position_ = 0;
    emit_stats stats_;
};

}  // namespace headroom::chat
