// SPDX-License-Identifier: Apache-2.0
// The events beside an answer: what goes on while it is made, told by a bundle or by the code that
// an executor runs. Not the answer's own: processor/turn_events.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chat/core/stream_event.hpp"

namespace headroom::chat {

enum class step_status : std::uint8_t { running, completed, error };
[[nodiscard]] std::string_view to_string(step_status status);
[[nodiscard]] std::optional<step_status> parse_step_status(std::string_view word);

// A line of a list that a person watches. A later step of the same name takes its place.
struct step {
    std::string name;  // well-formed UTF-8, as all texts here
    step_status status = step_status::completed;
    std::string text = {};  // may be empty
    boost::json::object data = {};
};

// For programs that read the stream: nothing of it is shown.
struct service_note {
    std::string name;
    boost::json::object data = {};
};

// Whose turn an event belongs to.
struct event_scope {
    std::string session_id;
    std::string conversation_id;
    std::string turn_id;
};

// `chat_step`, and `chat_service`.
[[nodiscard]] outgoing_event to_event(const step& what, const event_scope& of);
[[nodiscard]] outgoing_event to_event(const service_note& what, const event_scope& of);

}  // namespace headroom::chat
