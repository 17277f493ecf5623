// SPDX-License-Identifier: Apache-2.0
// What one SSE stream has seen of its session, and what it must hear next: merges history and live
// events in order, without repetition, and says where some are lost. Fetches nothing itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "chat/core/stream_event.hpp"

namespace headroom::chat {

// A part of a session's history, as read at one moment.
struct history_page {
    std::vector<stream_event> events;   // after the number asked for, oldest first
    std::optional<std::uint64_t> last;  // the newest number; empty: there is no history
    std::uint64_t next_epoch = 0;       // what the first number would be if history began now
    bool is_complete = true;            // nothing follows these events
};

class stream_cursor {
public:
    // Without a number the stream begins with what is published from now on. Begins replaying:
    // live events are held back until history has been read.
    explicit stream_cursor(std::optional<std::uint64_t> last_seen, std::size_t held_max = 4096);

    // The history after this number is wanted; empty: only where it ends.
    [[nodiscard]] std::optional<std::uint64_t> position() const;
    [[nodiscard]] bool is_replaying() const { return replaying_; }

    // Events may have been missed: hold live ones until history has been read again.
    void begin_replay();
    // Appends to `out` what the stream hears, with gaps (their data is empty). True when the replay
    // is over, false when the history after position() is wanted still.
    [[nodiscard]] bool on_history(const history_page& page, std::vector<stream_event>& out);
    void on_live(const stream_event& event, std::vector<stream_event>& out);

private:
    void hear(const stream_event& event, std::vector<stream_event>& out);
    void lose(std::uint64_t up_to, std::vector<stream_event>& out);

    // Fixed at construction.
    std::size_t held_max_;

    std::optional<std::uint64_t> last_;  // heard, or known to exist when the stream began
    bool any_next_ = false;  // an epoch is about to begin: its first number is not known
    bool replaying_ = true;
    bool is_new_ = true;  // nothing can have been missed yet
    bool must_read_again_ = false;
    std::vector<stream_event> held_;
};

}  // namespace headroom::chat
