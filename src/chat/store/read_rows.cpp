// SPDX-License-Identifier: Apache-2.0
#include "chat/store/read_rows.hpp"

#include <charconv>

namespace headroom::chat {

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool is_dash_here = at == 8 || at == 13 || at == 18 || at == 23;
        const bool is_hex =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (is_dash_here ? c != '-' : !is_hex) return false;
    }
    return true;
}

turn_reference read_reference(const postgres::rows& from, std::size_t row, std::size_t column) {
    return {.turn_id = std::string(from.text(row, column)),
            .conversation_id = std::string(from.text(row, column + 1)),
            .session_id = std::string(from.text(row, column + 2))};
}

std::optional<turn_reference> read_next(const postgres::rows& from) {
    if (from.empty()) return std::nullopt;
    return read_reference(from, 0);
}

// conversation_id, title, created_at, updated_at, has an unended turn, the last ended turn's state
// and error_code
conversation_summary read_summary(const postgres::rows& from, std::size_t row) {
    return {.conversation_id = std::string(from.text(row, 0)),
            .title = std::string(from.text(row, 1)),
            .created_at = std::string(from.text(row, 2)),
            .updated_at = std::string(from.text(row, 3)),
            .state = conversation_state_of(from.text(row, 4) == "t",
                                           parse_turn_state(from.text(row, 5)), from.text(row, 6))};
}

// turn_id, state, user_text, answer_text, error_code, error_message, created_at, ended_at
result<stored_turn> read_turn(const postgres::rows& from, std::size_t row) {
    const auto state = parse_turn_state(from.text(row, 1));
    if (!state) {
        return failure(chat_errc::unexpected_answer,
                       "a turn is in the unknown state '" + std::string(from.text(row, 1)) + "'");
    }
    stored_turn turn{.turn_id = std::string(from.text(row, 0)),
                     .state = *state,
                     .user_text = std::string(from.text(row, 2)),
                     .answer_text = std::string(from.text(row, 3)),
                     .failure = std::nullopt,
                     .created_at = std::string(from.text(row, 6)),
                     .ended_at = std::string(from.text(row, 7))};
    if (!from.is_null(row, 4)) {
        turn.failure = turn_failure{.code = std::string(from.text(row, 4)),
                                    .message = std::string(from.text(row, 5))};
    }
    return turn;
}

// state, owner, owner is silent, has an unended predecessor, a stop is requested
result<turn_standing> read_standing(const postgres::rows& from) {
    const auto state = parse_turn_state(from.text(0, 0));
    if (!state) {
        return failure(chat_errc::unexpected_answer,
                       "a turn is in the unknown state '" + std::string(from.text(0, 0)) + "'");
    }
    return turn_standing{.state = *state,
                         .owner = parse_fencing_token(from.text(0, 1)),
                         .is_owner_silent = from.text(0, 2) == "t",
                         .has_unended_predecessor = from.text(0, 3) == "t",
                         .is_stop_requested = from.text(0, 4) == "t"};
}

result<std::uint64_t> read_count(const postgres::rows& from, std::size_t row, std::size_t column) {
    const auto text = from.text(row, column);
    std::uint64_t count = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) {
        return failure(chat_errc::unexpected_answer,
                       "a count is '" + std::string(text) + "', which is no number");
    }
    return count;
}

}  // namespace headroom::chat
