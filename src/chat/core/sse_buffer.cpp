// SPDX-License-Identifier: Apache-2.0
#include "chat/core/sse_buffer.hpp"

#include <utility>

namespace headroom::chat {

std::string to_sse_frame(const stream_event& event) {
    std::string frame;
    if (event.number != 0) frame += "id: " + std::to_string(event.number) + '\n';
    frame += "event: " + event.name + "\ndata: " + event.data + "\n\n";
    return frame;
}

void sse_buffer::push(const stream_event& event) {
    if (too_slow_) return;
    auto frame = to_sse_frame(event);
    const auto extra = is_terminal(event.name) ? bounds_.terminal_bytes_max : 0;
    const bool has_room = held_.size() + frame.size() <= bounds_.bytes_max + extra &&
                          (frames_ < bounds_.frames_max || extra > 0);
    // A single frame larger than the bound would never fit, however often the client came back.
    if (!has_room && !held_.empty()) {
        too_slow_ = true;
        return;
    }
    held_ += frame;
    ++frames_;
}

std::string sse_buffer::take() {
    frames_ = 0;
    return std::exchange(held_, {});
}

}  // namespace headroom::chat
