// SPDX-License-Identifier: Apache-2.0
// What a client may send in names and texts. Not HTTP.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::chat {

// 1 to 128 of letters, digits, '_', '-', '.'.
[[nodiscard]] bool is_stream_id(std::string_view text);
// The form of a conversation's id: a UUID in lower case.
[[nodiscard]] bool is_conversation_id(std::string_view text);
// Of well-formed UTF-8.
[[nodiscard]] std::uint64_t count_code_points(std::string_view text);

}  // namespace headroom::chat
