// SPDX-License-Identifier: Apache-2.0
// The events of one turn as JSON, in the shapes the page reads. Not their numbers: the relay's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "chat/core/stream_event.hpp"
#include "chat/core/turn_life.hpp"
#include "chat/sdk/step_event.hpp"
#include "chat/store/chat_store.hpp"

namespace headroom::chat {

// `text` is always well-formed UTF-8.
class turn_events {
public:
    explicit turn_events(turn_reference turn) : turn_(std::move(turn)) {}

    [[nodiscard]] const turn_reference& turn() const { return turn_; }
    [[nodiscard]] event_scope scope() const {
        return {turn_.session_id, turn_.conversation_id, turn_.turn_id};
    }

    [[nodiscard]] outgoing_event start(std::string_view user_text) const;
    [[nodiscard]] outgoing_event delta(std::uint64_t index, std::string_view text) const;
    [[nodiscard]] outgoing_event complete(std::string_view answer) const;
    [[nodiscard]] outgoing_event failed(const turn_failure& why) const;
    [[nodiscard]] outgoing_event status(conversation_state state) const;
    // How it ended, and what the conversation is then.
    [[nodiscard]] std::vector<outgoing_event> ending(const turn_ending& how, bool has_next) const;

private:
    turn_reference turn_;
};

}  // namespace headroom::chat
