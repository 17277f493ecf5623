// SPDX-License-Identifier: Apache-2.0
#include "chat/core/stream_cursor.hpp"

#include <algorithm>
#include <utility>

namespace headroom::chat {

stream_cursor::stream_cursor(std::optional<std::uint64_t> last_seen, std::size_t held_max)
    : held_max_(held_max), last_(last_seen), is_new_(!last_seen) {}

std::optional<std::uint64_t> stream_cursor::position() const {
    return is_new_ ? std::nullopt : last_;
}

void stream_cursor::begin_replay() {
    // A page that is on its way may have been read before the loss: it will not do.
    if (replaying_) must_read_again_ = true;
    replaying_ = true;
}

bool stream_cursor::on_history(const history_page& page, std::vector<stream_event>& out) {
    if (is_new_) {
        // Everything before this moment is the store's to tell.
        is_new_ = false;
        last_ = page.last ? *page.last : std::max<std::uint64_t>(page.next_epoch, 1) - 1;
        any_next_ = !page.last;
    } else if (!page.last) {
        // The history is gone, and with it whatever was published while nobody listened.
        lose(std::max({last_.value_or(0), page.next_epoch, std::uint64_t{1}}) - 1, out);
        any_next_ = true;
    } else if (*page.last < last_.value_or(0)) {
        // The server forgot its latest events, or the number was never ours: go back with it.
        last_ = *page.last;
        any_next_ = false;
        out.push_back({*page.last, "gap", {}});
    } else {
        any_next_ = false;  // epochs may have come and gone while nobody listened
        for (const auto& event : page.events)
            hear(event, out);
    }
    if (!page.is_complete) return false;
    if (std::exchange(must_read_again_, false)) {
        held_.clear();
        return false;
    }
    replaying_ = false;
    for (const auto& event : std::exchange(held_, {}))
        hear(event, out);
    return true;
}

void stream_cursor::on_live(const stream_event& event, std::vector<stream_event>& out) {
    if (!replaying_) {
        hear(event, out);
    } else if (held_.size() < held_max_) {
        held_.push_back(event);
    } else {
        must_read_again_ = true;  // history has them too
    }
}

void stream_cursor::hear(const stream_event& event, std::vector<stream_event>& out) {
    const auto last = last_.value_or(0);
    if (event.number <= last) return;
    if (event.number != last + 1 && !any_next_) lose(event.number - 1, out);
    any_next_ = false;
    last_ = event.number;
    out.push_back(event);
}

void stream_cursor::lose(std::uint64_t up_to, std::vector<stream_event>& out) {
    last_ = std::max(last_.value_or(0), up_to);
    out.push_back({*last_, "gap", {}});
}

}  // namespace headroom::chat
