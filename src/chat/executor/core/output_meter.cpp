// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/output_meter.hpp"

#include <algorithm>

namespace headroom::chat {

std::string output_meter::push(std::string_view bytes) {
    bytes_ += bytes.size();
    std::string text;
    if (truncated_) return text;
    const auto kept = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    left_ -= kept;
    repair_.push(bytes.substr(0, kept), text);
    if (kept < bytes.size()) {
        truncated_ = true;
        // The bound fell into a character that may have been a good one.
        repair_.forget();
    }
    return text;
}

std::string output_meter::finish() {
    std::string text;
    repair_.finish(text);
    return text;
}

}  // namespace headroom::chat
