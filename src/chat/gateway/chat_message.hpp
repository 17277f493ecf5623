// SPDX-License-Identifier: Apache-2.0
// The body of POST /sse/chat: {"message":{"text":"...","conversation_id":"..."?}}. Checked, not
// stored.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "chat/http/message.hpp"

namespace headroom::chat {

struct chat_message {
    std::string text;
    std::optional<std::string> conversation_id;
};

// 415 unless the request says that it brings JSON, which no page of another site can say unasked.
[[nodiscard]] std::optional<http::response> refuse_other_than_json(const http::request& asked);

// Anything else is refused with 400, 404 or 415.
[[nodiscard]] std::expected<chat_message, http::response> read_chat_message(
    const http::request& asked, std::uint64_t chars_max);

}  // namespace headroom::chat
