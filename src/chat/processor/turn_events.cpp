// SPDX-License-Identifier: Apache-2.0
#include "chat/processor/turn_events.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>

#include "chat/core/time_text.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

outgoing_event make(std::string name, std::string_view type, const turn_reference& turn,
                    json::object more) {
    json::object data{{"type", type},
                      {"timestamp", to_iso_text(std::chrono::system_clock::now())},
                      {"session_id", turn.session_id},
                      {"conversation_id", turn.conversation_id},
                      {"turn_id", turn.turn_id}};
    for (auto& member : more)
        data.emplace(member.key(), std::move(member.value()));
    return {.name = std::move(name), .data = json::serialize(data)};
}

}  // namespace

outgoing_event turn_events::start(std::string_view user_text) const {
    return make("chat_start", "chat.start", turn_, {{"text", user_text}});
}

outgoing_event turn_events::delta(std::uint64_t index, std::string_view text) const {
    return make("chat_delta", "chat.delta", turn_, {{"index", index}, {"text", text}});
}

outgoing_event turn_events::complete(std::string_view answer) const {
    return make("chat_complete", "chat.complete", turn_, {{"text", answer}});
}

outgoing_event turn_events::failed(const turn_failure& why) const {
    return make("chat_error", "chat.error", turn_,
                {{"error", json::object{{"code", why.code}, {"message", why.message}}}});
}

outgoing_event turn_events::status(conversation_state state) const {
    return make("conv_status", "conv.status", turn_, {{"state", to_string(state)}});
}

std::vector<outgoing_event> turn_events::ending(const turn_ending& how, bool has_next) const {
    std::vector<outgoing_event> events;
    events.push_back(how.failure ? failed(*how.failure) : complete(how.answer_text));
    const std::string_view code = how.failure ? how.failure->code : std::string_view{};
    events.push_back(status(conversation_state_of(has_next, how.state, code)));
    return events;
}

}  // namespace headroom::chat
