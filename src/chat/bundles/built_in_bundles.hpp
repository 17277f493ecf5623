// SPDX-License-Identifier: Apache-2.0
// The bundles that come with chatd.
#pragma once

#include <chrono>

#include "chat/bundles/bundle_definition.hpp"

namespace headroom::chat {

struct echo_pace {
    std::chrono::milliseconds word{25};
    std::chrono::milliseconds whole_max{2000};  // long texts go faster
};

// Says the text again, word by word, as a model would stream it.
[[nodiscard]] bundle_definition echo_definition(echo_pace pace = {});

// Tells the time of the Redis server, through the blocking pool, on a thread.
[[nodiscard]] bundle_definition clock_definition();

// Runs the first fenced code block of a message in an executor. Off unless CHAT_BUNDLES names it.
[[nodiscard]] bundle_definition code_definition();

}  // namespace headroom::chat
