// SPDX-License-Identifier: Apache-2.0
#include "chat/core/emit_buffer.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace headroom::chat {

namespace {

std::size_t bytes_of(const outgoing_event& event) {
    return event.name.size() + event.data.size();
}

// A record is one line, its name ends at the first blank.
bool is_record(const outgoing_event& event) {
    return is_visible_ascii(event.name) && event.data.find('\n') == std::string::npos &&
           is_utf8(event.data);
}

}  // namespace

bool emit_buffer::has_room(std::size_t bytes) const {
    return waiting_.size() + out_.events < bounds_.events_max &&
           bytes_ + bytes <= bounds_.bytes_max;
}

void emit_buffer::put(outgoing_event event, bool is_notice) {
    bytes_ += bytes_of(event);
    ++position_;
    waiting_.push_back({.event = std::move(event), .is_notice = is_notice});
}

emit_verdict emit_buffer::push(outgoing_event event) {
    const auto bytes = bytes_of(event);
    if (bytes > bounds_.event_bytes_max) return emit_verdict::too_long;
    if (!is_record(event)) return emit_verdict::no_record;
    if (untold_ > 0 || !has_room(bytes)) {
        ++untold_;
        ++stats_.dropped;
        return emit_verdict::full;
    }
    ++stats_.accepted;
    put(std::move(event), false);
    return emit_verdict::taken;
}

std::vector<outgoing_event> emit_buffer::take_batch() {
    std::vector<outgoing_event> taken;
    if (out_.events > 0) return taken;
    const auto size = std::min(waiting_.size(), bounds_.batch_events_max);
    taken.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
        auto& oldest = waiting_.front();
        out_.bytes += bytes_of(oldest.event);
        if (!oldest.is_notice) ++out_.counted;
        taken.push_back(std::move(oldest.event));
        waiting_.pop_front();
    }
    out_.events = size;
    return taken;
}

std::uint64_t emit_buffer::on_delivered() {
    const auto done = std::exchange(out_, {});
    bytes_ -= done.bytes;
    delivered_position_ += done.events;
    stats_.delivered += done.counted;
    return std::exchange(untold_, 0);
}

void emit_buffer::add_notice(outgoing_event event) {
    put(std::move(event), true);
}

emit_stats emit_buffer::stats() const {
    auto now = stats_;
    now.held = now.accepted - now.delivered;
    return now;
}

}  // namespace headroom::chat
