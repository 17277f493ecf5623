// SPDX-License-Identifier: Apache-2.0
// The life of a turn: its states, and what a processor that claimed it may do. Not where the state
// is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::chat {

// accepted -> running -> completed | error | interrupted. A turn that has not started runs again
// wherever it was lost; one that has never does.
enum class turn_state : std::uint8_t { accepted, running, completed, error, interrupted };

[[nodiscard]] std::string_view to_string(turn_state state);
[[nodiscard]] std::optional<turn_state> parse_turn_state(std::string_view word);
[[nodiscard]] bool is_ended(turn_state state);

// How a turn that did not complete is explained.
struct turn_failure {
    std::string code;
    std::string message;  // for the user
};
// A turn that ends as interrupted: its people asked for it, or its processor stopped or died.
enum class interruption_cause : std::uint8_t { processor_gone, stop_requested };
[[nodiscard]] turn_failure interruption(interruption_cause why);

// What a conversation shows in the list. A turn that its people stopped left it as they wanted it:
// no error.
enum class conversation_state : std::uint8_t { idle, in_progress, error };
[[nodiscard]] std::string_view to_string(conversation_state state);
[[nodiscard]] conversation_state conversation_state_of(bool has_unended_turn,
                                                       std::optional<turn_state> last_ended,
                                                       std::string_view failure_code = {});

// Who may write to a running turn: one claim of one queue entry by one processor. A later claim of
// the same entry means that the former owner stopped renewing.
struct fencing_token {
    std::string entry;      // queue entry
    std::string processor;  // which processor, and which claim of it
    bool operator==(const fencing_token&) const = default;
};
[[nodiscard]] std::string to_string(const fencing_token& token);
[[nodiscard]] std::optional<fencing_token> parse_fencing_token(std::string_view text);

// A turn as the store holds it when a processor has claimed its entry.
struct turn_standing {
    turn_state state = turn_state::accepted;
    std::optional<fencing_token> owner = {};  // set while running and after
    bool is_owner_silent = false;             // has not renewed for too long: it is dead
    bool has_unended_predecessor = false;     // in the same conversation
    bool is_stop_requested = false;           // by its people
};

enum class claim_verdict : std::uint8_t {
    start,      // ours: mark it running and run it
    resume,     // ours already: an earlier attempt to mark it succeeded without our hearing of it
    interrupt,  // started by an owner that is gone: end it as interrupted, tell the user
    leave,      // its owner lives, though Redis did not hear of it for a while: do nothing
    wait,       // an earlier turn of the conversation has not ended: that one's end enqueues it
    stop,       // a stop was requested before its bundle began: end it without, tell the user
    drop,       // ended, or running under another entry: this entry is a duplicate
};
[[nodiscard]] claim_verdict judge_claim(const turn_standing& standing, const fencing_token& mine);

}  // namespace headroom::chat
