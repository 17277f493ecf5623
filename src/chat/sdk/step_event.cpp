// SPDX-License-Identifier: Apache-2.0
#include "chat/sdk/step_event.hpp"

#include <boost/json/serialize.hpp>
#include <chrono>

#include "chat/core/time_text.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

json::object beginning(std::string_view type, const event_scope& of, const std::string& name) {
    return {{"type", type},
            {"timestamp", to_iso_text(std::chrono::system_clock::now())},
            {"session_id", of.session_id},
            {"conversation_id", of.conversation_id},
            {"turn_id", of.turn_id},
            {"name", name}};
}

}  // namespace

std::string_view to_string(step_status status) {
    switch (status) {
        case step_status::running:
            return "running";
        case step_status::completed:
            return "completed";
        case step_status::error:
            return "error";
    }
    return "error";
}

std::optional<step_status> parse_step_status(std::string_view word) {
    for (const auto each : {step_status::running, step_status::completed, step_status::error})
        if (to_string(each) == word) return each;
    return std::nullopt;
}

outgoing_event to_event(const step& what, const event_scope& of) {
    auto data = beginning("chat.step", of, what.name);
    data["status"] = to_string(what.status);
    if (!what.text.empty()) data["text"] = what.text;
    if (!what.data.empty()) data["data"] = what.data;
    return {.name = "chat_step", .data = json::serialize(data)};
}

outgoing_event to_event(const service_note& what, const event_scope& of) {
    auto data = beginning("chat.service", of, what.name);
    data["data"] = what.data;
    return {.name = "chat_service", .data = json::serialize(data)};
}

}  // namespace headroom::chat
