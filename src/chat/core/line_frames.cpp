// SPDX-License-Identifier: Apache-2.0
#include "chat/core/line_frames.hpp"

namespace headroom::chat {

void line_frames::push(std::string_view bytes) {
    if (overlong_) return;
    held_.erase(0, read_);
    read_ = 0;
    held_ += bytes;
}

std::optional<std::string> line_frames::next() {
    if (overlong_) return std::nullopt;
    const std::size_t end = held_.find('\n', read_);
    const std::size_t size = (end == std::string::npos ? held_.size() : end) - read_;
    if (size > line_bytes_max_) {
        overlong_ = true;
        held_.clear();
        return std::nullopt;
    }
    if (end == std::string::npos) return std::nullopt;
    std::string line = held_.substr(read_, size);
    read_ = end + 1;
    return line;
}

bool line_frames::is_overlong() const {
    return overlong_;
}

}  // namespace headroom::chat
