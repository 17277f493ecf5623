// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/event_lines.hpp"

#include <utility>

namespace headroom::chat {

event_line_text event_lines::whole(std::string_view text, bool is_too_long) {
    skipping_ = false;
    ++number_;
    return {.number = number_,
            .text = is_too_long ? std::string_view{} : text,
            .is_too_long = is_too_long};
}

std::optional<event_line_text> event_lines::next(std::string_view& bytes) {
    if (std::exchange(held_was_given_, false)) held_.clear();
    const std::size_t end = bytes.find('\n');
    const bool ends = end != std::string_view::npos;
    const std::string_view part = bytes.substr(0, ends ? end : bytes.size());
    bytes.remove_prefix(ends ? end + 1 : bytes.size());
    if (skipping_) {
        if (!ends) return std::nullopt;
        return whole({}, true);
    }
    if (held_.size() + part.size() > line_bytes_max_) {
        held_.clear();
        if (ends) return whole({}, true);
        skipping_ = true;
        return std::nullopt;
    }
    if (ends && held_.empty()) return whole(part, false);
    held_ += part;
    if (!ends) return std::nullopt;
    held_was_given_ = true;
    return whole(held_, false);
}

std::optional<event_line_text> event_lines::finish() {
    if (std::exchange(held_was_given_, false)) held_.clear();
    if (skipping_) return whole({}, true);
    if (held_.empty()) return std::nullopt;
    held_was_given_ = true;
    return whole(held_, false);
}

}  // namespace headroom::chat
