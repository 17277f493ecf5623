// SPDX-License-Identifier: Apache-2.0
// What the HTTP side asks of the store. What processors ask: turn_records.cpp.
#include "chat/store/chat_store.hpp"

#include <utility>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "chat/core/text_cut.hpp"
#include "chat/store/read_rows.hpp"

namespace headroom::chat {

namespace asio = boost::asio;
using postgres::parameters;

namespace {

std::unexpected<error> unknown_conversation() {
    return failure(chat_errc::no_such_conversation);
}

result<void> check_text(const std::string& text, std::size_t bytes_max) {
    if (text.empty()) return failure(chat_errc::text_rejected, "the text is empty");
    if (text.size() > bytes_max) {
        return failure(chat_errc::text_rejected,
                       "the text has more than " + std::to_string(bytes_max) + " bytes");
    }
    if (!is_utf8(text)) return failure(chat_errc::text_rejected, "the text is not UTF-8");
    if (text.find('\0') != std::string::npos) {
        return failure(chat_errc::text_rejected, "the text holds a NUL character");
    }
    return {};
}

}  // namespace

chat_store::chat_store(postgres::postgres_pool& pool, scope whose, store_bounds bounds)
    : pool_(pool), scope_(std::move(whose)), bounds_(bounds), owner_(pool.owner("store")) {}

asio::awaitable<result<accepted_turn>> chat_store::accept(new_message message, deadline by) {
    auto checked = check_text(message.text, bounds_.text_bytes_max);
    if (!checked) co_return std::unexpected(checked.error());
    if (message.conversation_id && !is_uuid(*message.conversation_id)) {
        co_return unknown_conversation();
    }

    auto lease = co_await pool_.acquire(call_by(by));
    if (!lease) co_return std::unexpected(lease.error());
    auto work = co_await lease->begin(by);
    if (!work) co_return std::unexpected(work.error());

    accepted_turn turn{.turn_id = random_uuid(),
                       .conversation_id = message.conversation_id.value_or(random_uuid()),
                       .session_id = message.session_id,
                       .is_first_in_line = true};
    // Either way the conversation's row is ours until the commit: accepting and ending turns of one
    // conversation take turns, so that none is forgotten between them.
    if (message.conversation_id) {
        parameters which(turn.conversation_id, scope_.tenant, scope_.project, turn.session_id);
        auto found = co_await work->query(
            "UPDATE chat_conversations SET updated_at = now() "
            "WHERE conversation_id = $1 AND tenant = $2 AND project = $3 AND session_id = $4",
            std::move(which), by);
        if (!found) co_return std::unexpected(found.error());
        if (found->affected() == 0) {
            [[maybe_unused]] auto undone = co_await work->rollback(by);
            co_return unknown_conversation();
        }
    } else {
        parameters made(turn.conversation_id, scope_.tenant, scope_.project, turn.session_id,
                        title_of(message.text, bounds_.title_chars_max));
        auto inserted = co_await work->query(
            "INSERT INTO chat_conversations (conversation_id, tenant, project, session_id, title) "
            "VALUES ($1, $2, $3, $4, $5)",
            std::move(made), by);
        if (!inserted) co_return std::unexpected(inserted.error());
    }

    parameters given(turn.turn_id, turn.conversation_id, message.stream_id, message.text,
                     static_cast<std::int64_t>(bounds_.waiting_turns_max));
    auto inserted = co_await work->query(
        "WITH line AS (SELECT count(*) FILTER (WHERE state IN ('accepted', 'running')) AS unended,"
        "                     coalesce(max(ordinal), 0) AS last"
        "              FROM chat_turns WHERE conversation_id = $2)"
        "INSERT INTO chat_turns (turn_id, conversation_id, ordinal, stream_id, user_text)"
        " SELECT $1::uuid, $2, line.last + 1, $3::text, $4::text FROM line WHERE line.unended < $5 "
        "RETURNING (SELECT unended FROM line)",
        std::move(given), by);
    if (!inserted) co_return std::unexpected(inserted.error());
    if (inserted->empty()) {
        [[maybe_unused]] auto undone = co_await work->rollback(by);
        co_return failure(chat_errc::queue_full, std::to_string(bounds_.waiting_turns_max) +
                                                     " messages of this conversation wait");
    }
    auto committed = co_await work->commit(by);
    if (!committed) co_return std::unexpected(committed.error());
    turn.is_first_in_line = inserted->text(0, 0) == "0";
    co_return turn;
}

asio::awaitable<result<std::vector<conversation_summary>>> chat_store::list(std::string session_id,
                                                                            deadline by) {
    parameters which(scope_.tenant, scope_.project, session_id,
                     static_cast<std::int64_t>(bounds_.conversations_listed_max));
    auto found = co_await pool_.query(
        "SELECT c.conversation_id, c.title, " HEADROOM_ISO_TIME("c.created_at") ", "
        HEADROOM_ISO_TIME("c.updated_at") ","
        "  EXISTS (SELECT FROM chat_turns t WHERE t.conversation_id = c.conversation_id"
        "          AND t.state IN ('accepted', 'running')),"
        "  last_ended.state, last_ended.error_code "
        "FROM chat_conversations c LEFT JOIN LATERAL"
        "  (SELECT t.state, t.error_code FROM chat_turns t"
        "   WHERE t.conversation_id = c.conversation_id AND t.state NOT IN ('accepted', 'running')"
        "   ORDER BY t.ordinal DESC LIMIT 1) last_ended ON true "
        "WHERE c.tenant = $1 AND c.project = $2 AND c.session_id = $3 "
        "ORDER BY c.updated_at DESC, c.conversation_id LIMIT $4",
        std::move(which), call_by(by));
    if (!found) co_return std::unexpected(found.error());

    std::vector<conversation_summary> list;
    list.reserve(found->size());
    for (std::size_t row = 0; row < found->size(); ++row)
        list.push_back(read_summary(*found, row));
    co_return list;
}

asio::awaitable<result<conversation>> chat_store::get(std::string session_id,
                                                      std::string conversation_id, deadline by) {
    if (!is_uuid(conversation_id)) co_return unknown_conversation();
    auto lease = co_await pool_.acquire(call_by(by));
    if (!lease) co_return std::unexpected(lease.error());

    parameters which(conversation_id, scope_.tenant, scope_.project, session_id);
    auto found = co_await lease->query(
        "SELECT conversation_id, title, " HEADROOM_ISO_TIME("created_at") ", "
        HEADROOM_ISO_TIME("updated_at") " FROM chat_conversations "
        "WHERE conversation_id = $1 AND tenant = $2 AND project = $3 AND session_id = $4",
        std::move(which), by);
    if (!found) co_return std::unexpected(found.error());
    if (found->empty()) co_return unknown_conversation();

    parameters bounds(conversation_id, static_cast<std::int64_t>(bounds_.turns_shown_max),
                      static_cast<std::int64_t>(bounds_.turns_bytes_max));
    auto turns = co_await lease->query(
        "SELECT turn_id, state, user_text, answer_text, error_code, error_message, "
        HEADROOM_ISO_TIME("created_at") ", " HEADROOM_ISO_TIME("ended_at")
        " FROM (SELECT *, sum(octet_length(user_text) + octet_length(answer_text))"
        "         OVER (ORDER BY ordinal DESC) AS bytes"
        "       FROM chat_turns WHERE conversation_id = $1 ORDER BY ordinal DESC LIMIT $2) latest "
        "WHERE bytes <= $3 ORDER BY ordinal",
        std::move(bounds), by);
    if (!turns) co_return std::unexpected(turns.error());

    conversation whole{.conversation_id = std::string(found->text(0, 0)),
                       .title = std::string(found->text(0, 1)),
                       .created_at = std::string(found->text(0, 2)),
                       .updated_at = std::string(found->text(0, 3)),
                       .turns = {}};
    for (std::size_t row = 0; row < turns->size(); ++row) {
        auto turn = read_turn(*turns, row);
        if (!turn) co_return std::unexpected(turn.error());
        whole.turns.push_back(std::move(*turn));
    }
    co_return whole;
}

asio::awaitable<result<void>> chat_store::remove(std::string session_id,
                                                 std::string conversation_id, deadline by) {
    if (!is_uuid(conversation_id)) co_return unknown_conversation();
    parameters which(conversation_id, scope_.tenant, scope_.project, session_id);
    auto removed = co_await pool_.query(
        "DELETE FROM chat_conversations "
        "WHERE conversation_id = $1 AND tenant = $2 AND project = $3 AND session_id = $4",
        std::move(which), call_by(by));
    if (!removed) co_return std::unexpected(removed.error());
    if (removed->affected() == 0) co_return unknown_conversation();
    co_return result<void>{};
}

asio::awaitable<result<std::uint64_t>> chat_store::request_stop(std::string session_id,
                                                                std::string conversation_id,
                                                                deadline by) {
    if (!is_uuid(conversation_id)) co_return unknown_conversation();
    parameters which(conversation_id, scope_.tenant, scope_.project, session_id);
    // The same order of locks as accept() and end(): the conversation, then its turns.
    auto marked = co_await pool_.query(
        "WITH asked AS (SELECT conversation_id FROM chat_conversations"
        "   WHERE conversation_id = $1 AND tenant = $2 AND project = $3 AND session_id = $4"
        "   FOR UPDATE),"
        " marked AS (UPDATE chat_turns t SET stop_requested_at = coalesce(stop_requested_at, now())"
        "   FROM asked WHERE t.conversation_id = asked.conversation_id"
        "   AND t.state IN ('accepted', 'running') RETURNING t.turn_id) "
        "SELECT (SELECT count(*) FROM asked), (SELECT count(*) FROM marked)",
        std::move(which), call_by(by));
    if (!marked) co_return std::unexpected(marked.error());
    if (marked->text(0, 0) == "0") co_return unknown_conversation();
    co_return read_count(*marked, 0, 1);
}

}  // namespace headroom::chat
