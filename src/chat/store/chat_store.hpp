// SPDX-License-Identifier: Apache-2.0
// Conversations and turns in Postgres: the truth about what was asked and answered. Not the queue
// (queue/), not the events (relay/).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/core/key_space.hpp"
#include "chat/core/turn_life.hpp"
#include "postgres/postgres_pool.hpp"

namespace headroom::chat {

// The steps of the chat tables, for postgres_pool::migrate().
[[nodiscard]] std::vector<postgres::migration> migrations();

struct new_message {
    std::string session_id;
    std::optional<std::string> conversation_id;  // empty: a new conversation
    std::string text;
    std::string stream_id;
};

struct accepted_turn {
    std::string turn_id;
    std::string conversation_id;
    std::string session_id;
    bool is_first_in_line = true;  // no earlier turn of the conversation is unended: enqueue it
};

struct conversation_summary {
    std::string conversation_id;
    std::string title;
    std::string created_at;  // 2026-01-31T12:00:00.000Z, as all times here
    std::string updated_at;
    conversation_state state = conversation_state::idle;
};

struct stored_turn {
    std::string turn_id;
    turn_state state = turn_state::accepted;
    std::string user_text;
    std::string answer_text;
    std::optional<turn_failure> failure;
    std::string created_at;
    std::string ended_at;  // empty while unended
};

struct conversation {
    std::string conversation_id;
    std::string title;
    std::string created_at;
    std::string updated_at;
    std::vector<stored_turn> turns;  // oldest first; the latest turns_shown_max
};

// A turn that may be put on, or is missing from, the queue.
struct turn_reference {
    std::string turn_id;
    std::string conversation_id;
    std::string session_id;
};

struct begun_turn {
    claim_verdict verdict = claim_verdict::drop;
    turn_reference turn;                  // with start, resume, interrupt and stop
    std::string user_text;                // with start and resume
    std::optional<turn_failure> failure;  // with interrupt and stop: how this call ended it
    std::optional<turn_reference> next;   // with interrupt and stop: the conversation's next turn
};

struct owned_turn {
    std::string turn_id;
    fencing_token owner;
};

struct turn_ending {
    turn_state state = turn_state::completed;
    std::string answer_text;
    std::optional<turn_failure> failure;
};

struct finished_turn {
    bool is_recorded = false;            // false: ended by somebody else, or deleted meanwhile
    std::optional<turn_reference> next;  // of the conversation: to be enqueued
};

struct renewed_turn {
    std::string turn_id;
    bool is_stop_requested = false;  // by its people: end it
};

struct interrupted_turn {
    turn_reference turn;
    turn_failure failure;
    std::optional<turn_reference> next;
};

struct store_bounds {
    std::uint32_t conversations_listed_max = 200;
    std::uint32_t turns_shown_max = 500;
    std::uint32_t waiting_turns_max = 32;           // unended, of one conversation
    std::size_t turns_bytes_max = 8 * 1024 * 1024;  // of texts and answers shown at once
    std::size_t text_bytes_max = 256 * 1024;
    std::size_t title_chars_max = 80;
};

class chat_store {
public:
    chat_store(postgres::postgres_pool& pool, scope whose, store_bounds bounds = {});

    // In one transaction: the conversation (made when none is named; the text's beginning is its
    // title) and the turn as `accepted`. no_such_conversation, queue_full, text_rejected.
    [[nodiscard]] boost::asio::awaitable<result<accepted_turn>> accept(new_message message,
                                                                       deadline by);

    // The latest first.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<conversation_summary>>> list(
        std::string session_id, deadline by);
    [[nodiscard]] boost::asio::awaitable<result<conversation>> get(std::string session_id,
                                                                   std::string conversation_id,
                                                                   deadline by);
    // With all its turns; one that runs is stopped at its next renewal.
    [[nodiscard]] boost::asio::awaitable<result<void>> remove(std::string session_id,
                                                              std::string conversation_id,
                                                              deadline by);
    // Marks every unended turn of the conversation to be stopped, those that wait too, and says how
    // many they are. Their processors end them: see renew() and begin().
    [[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> request_stop(
        std::string session_id, std::string conversation_id, deadline by);

    // For the processor, which has claimed an entry of the queue. Repeating either with the same
    // token does no harm. A running turn whose owner has been silent for `silence` is ended as
    // interrupted; without `silence` none is. One whose stop was requested is ended here.
    [[nodiscard]] boost::asio::awaitable<result<begun_turn>> begin(
        std::string turn_id, fencing_token mine, std::optional<std::chrono::milliseconds> silence,
        deadline by);
    [[nodiscard]] boost::asio::awaitable<result<finished_turn>> finish(std::string turn_id,
                                                                       fencing_token mine,
                                                                       turn_ending ending,
                                                                       deadline by);
    // Says that the owners live; gives back the turns that are still their own.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<renewed_turn>>> renew(
        std::vector<owned_turn> turns, deadline by);

    // For the sweeper: accepted turns, first in line, that are older than `age`...
    [[nodiscard]] boost::asio::awaitable<result<std::vector<turn_reference>>> waiting_turns(
        std::chrono::milliseconds age, deadline by);
    // ... and running turns not renewed for `silence`, which this call ends as interrupted.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<interrupted_turn>>> interrupt_abandoned(
        std::chrono::milliseconds silence, deadline by);

private:
    enum class repeat : std::uint8_t { is_the_same, is_somebody_elses };

    [[nodiscard]] postgres::call call_by(deadline by) const { return {owner_, by}; }
    [[nodiscard]] boost::asio::awaitable<result<finished_turn>> end(std::string turn_id,
                                                                    std::string owner,
                                                                    turn_ending ending,
                                                                    repeat seen_ended, deadline by);

    postgres::postgres_pool& pool_;
    scope scope_;
    store_bounds bounds_;
    pool::owner_id owner_;
};

}  // namespace headroom::chat
