// SPDX-License-Identifier: Apache-2.0
#include "chat/core/turn_life.hpp"

#include <array>
#include <utility>

namespace headroom::chat {

namespace {
constexpr std::array<std::pair<turn_state, std::string_view>, 5> turn_words{{
    {turn_state::accepted, "accepted"},
    {turn_state::running, "running"},
    {turn_state::completed, "completed"},
    {turn_state::error, "error"},
    {turn_state::interrupted, "interrupted"},
}};

constexpr std::string_view stopped_code = "turn_stopped";
}  // namespace

std::string_view to_string(turn_state state) {
    for (const auto& [each, word] : turn_words)
        if (each == state) return word;
    return "unknown";
}

std::optional<turn_state> parse_turn_state(std::string_view word) {
    for (const auto& [state, each] : turn_words)
        if (each == word) return state;
    return std::nullopt;
}

bool is_ended(turn_state state) {
    return state != turn_state::accepted && state != turn_state::running;
}

std::string_view to_string(conversation_state state) {
    switch (state) {
        case conversation_state::idle:
            return "idle";
        case conversation_state::in_progress:
            return "in_progress";
        case conversation_state::error:
            return "error";
    }
    return "unknown";
}

turn_failure interruption(interruption_cause why) {
    if (why == interruption_cause::stop_requested) {
        return {.code = std::string(stopped_code), .message = "Stopped."};
    }
    return {.code = "turn_interrupted", .message = "The answer was interrupted. Please ask again."};
}

conversation_state conversation_state_of(bool has_unended_turn,
                                         std::optional<turn_state> last_ended,
                                         std::string_view failure_code) {
    if (has_unended_turn) return conversation_state::in_progress;
    if (failure_code == stopped_code) return conversation_state::idle;
    if (last_ended == turn_state::error || last_ended == turn_state::interrupted) {
        return conversation_state::error;
    }
    return conversation_state::idle;
}

std::string to_string(const fencing_token& token) {
    return token.entry + " " + token.processor;
}

std::optional<fencing_token> parse_fencing_token(std::string_view text) {
    const auto space = text.find(' ');
    if (space == 0 || space == std::string_view::npos || space + 1 == text.size()) {
        return std::nullopt;
    }
    return fencing_token{std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
}

claim_verdict judge_claim(const turn_standing& standing, const fencing_token& mine) {
    const bool is_mine = standing.owner == mine;
    if (is_ended(standing.state)) {
        // Our own attempt to stop it succeeded without our hearing of it: its user is not told yet.
        const bool is_untold =
            is_mine && standing.is_stop_requested && standing.state == turn_state::interrupted;
        return is_untold ? claim_verdict::stop : claim_verdict::drop;
    }
    const auto ours =
        standing.is_stop_requested ? std::optional(claim_verdict::stop) : std::nullopt;
    if (standing.state == turn_state::accepted) {
        if (standing.has_unended_predecessor) return claim_verdict::wait;
        return ours.value_or(claim_verdict::start);
    }
    if (is_mine) return ours.value_or(claim_verdict::resume);
    if (standing.is_owner_silent) return claim_verdict::interrupt;
    if (standing.owner && standing.owner->entry != mine.entry) return claim_verdict::drop;
    return claim_verdict::leave;
}

}  // namespace headroom::chat
