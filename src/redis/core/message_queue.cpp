// SPDX-License-Identifier: Apache-2.0
#include "redis/core/message_queue.hpp"

#include <utility>

#include "base/assert.hpp"

namespace headroom::redis {

namespace {

std::size_t bytes_of(const stream_item& item) {
    return sizeof item + item.channel.size() + item.payload.size();
}

}  // namespace

message_queue::message_queue(stream_bounds bounds) : bounds_(bounds) {
    HEADROOM_ASSERT(bounds.messages_max > 0, "a stream holds at least one message");
}

bool message_queue::has_room_for(std::size_t bytes) const {
    return messages_ < bounds_.messages_max && bytes_ + bytes <= bounds_.bytes_max;
}

bool message_queue::push(std::string_view channel, std::string payload) {
    if (has_overflowed_) return false;
    stream_item item;
    item.channel = channel;
    item.payload = std::move(payload);
    const auto bytes = bytes_of(item);
    if (!has_room_for(bytes) && bounds_.when_full == overflow_policy::disconnect) {
        has_overflowed_ = true;
        lose_one();
        return false;
    }
    while (!has_room_for(bytes) && !items_.empty())
        drop_oldest();
    if (!has_room_for(bytes)) {  // larger than all that may be queued
        lose_one();
        return true;
    }
    ++messages_;
    bytes_ += bytes;
    items_.push_back(std::move(item));
    return true;
}

void message_queue::drop_oldest() {
    if (items_.front().what == stream_item::kind::gap) {
        lost_a_gap_ = true;
    } else {
        --messages_;
        lose_one();
    }
    bytes_ -= bytes_of(items_.front());
    items_.pop_front();
}

void message_queue::lose_one() {
    ++dropped_;
    // A message that is refused stands behind the queue, not before it: the error tells of it.
    if (!has_overflowed_) ++lost_;
}

void message_queue::push_gap() {
    if (has_overflowed_) return;
    const bool is_told =
        items_.empty() ? lost_a_gap_ : items_.back().what == stream_item::kind::gap;
    if (is_told) return;
    stream_item item;
    item.what = stream_item::kind::gap;
    bytes_ += bytes_of(item);
    items_.push_back(std::move(item));
}

std::optional<stream_item> message_queue::pop() {
    stream_item item;
    if (std::exchange(lost_a_gap_, false)) {
        item.what = stream_item::kind::gap;
        return item;
    }
    if (lost_ > 0) {
        item.what = stream_item::kind::lost;
        item.count = std::exchange(lost_, 0);
        return item;
    }
    if (items_.empty()) return std::nullopt;
    item = std::move(items_.front());
    bytes_ -= bytes_of(item);
    if (item.what == stream_item::kind::message) --messages_;
    items_.pop_front();
    return item;
}

}  // namespace headroom::redis
