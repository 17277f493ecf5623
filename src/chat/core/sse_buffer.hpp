// SPDX-License-Identifier: Apache-2.0
// What one SSE stream has still to send, bounded. Decides when a stream is too slow; writes
// nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "chat/core/stream_event.hpp"

namespace headroom::chat {

struct sse_bounds {
    std::size_t bytes_max = 256 * 1024;
    std::size_t frames_max = 512;
    // On top of both, for terminal frames only.
    std::size_t terminal_bytes_max = 512 * 1024;
};

// "id: 7\nevent: chat_delta\ndata: {...}\n\n"; number 0 has no id line.
[[nodiscard]] std::string to_sse_frame(const stream_event& event);

class sse_buffer {
public:
    explicit sse_buffer(sse_bounds bounds = {}) : bounds_(bounds) {}

    // The first event without room makes the stream too slow; from then on nothing is taken, so
    // that what the client has seen has no hole and its Last-Event-ID brings the rest, the terminal
    // frames among it.
    void push(const stream_event& event);
    // All frames, for one write.
    [[nodiscard]] std::string take();

    [[nodiscard]] bool is_empty() const { return held_.empty(); }
    [[nodiscard]] bool is_too_slow() const { return too_slow_; }

private:
    sse_bounds bounds_;
    std::string held_;
    std::size_t frames_ = 0;
    bool too_slow_ = false;
};

}  // namespace headroom::chat
