// SPDX-License-Identifier: Apache-2.0
// What processors ask of the store: beginning, renewing, ending and finding turns.
#include <utility>

#include "chat/store/chat_store.hpp"
#include "chat/store/read_rows.hpp"

namespace headroom::chat {

namespace asio = boost::asio;
using postgres::parameters;

namespace {

constexpr std::int64_t swept_at_once_max = 100;

// An array in Postgres' text form. Elements hold no quote, backslash or brace: ids and tokens.
std::string to_array(const std::vector<std::string>& elements) {
    std::string text = "{";
    for (const auto& element : elements) {
        if (text.size() > 1) text += ',';
        text += '"' + element + '"';
    }
    return text + "}";
}

// Of a turn that nobody runs, or not any more: nothing of its answer is known.
turn_ending unanswered(turn_failure why) {
    return {.state = turn_state::interrupted, .answer_text = {}, .failure = std::move(why)};
}

turn_failure failure_without_processor(bool is_stop_requested) {
    return interruption(is_stop_requested ? interruption_cause::stop_requested
                                          : interruption_cause::processor_gone);
}

// How begin() ends a turn with this verdict; empty when it does not.
std::optional<turn_failure> failure_of(claim_verdict verdict, bool is_stop_requested) {
    if (verdict != claim_verdict::interrupt && verdict != claim_verdict::stop) return std::nullopt;
    return failure_without_processor(is_stop_requested);
}

}  // namespace

asio::awaitable<result<begun_turn>> chat_store::begin(
    std::string turn_id, fencing_token mine, std::optional<std::chrono::milliseconds> silence,
    deadline by) {
    if (!is_uuid(turn_id)) co_return begun_turn{};  // nothing of ours: drop
    auto lease = co_await pool_.acquire(call_by(by));
    if (!lease) co_return std::unexpected(lease.error());
    auto work = co_await lease->begin(by);
    if (!work) co_return std::unexpected(work.error());

    parameters which(turn_id, scope_.tenant, scope_.project);
    if (silence) {
        which.add(std::to_string(silence->count()) + " milliseconds");
    } else {
        which.add(std::nullopt);
    }
    auto found = co_await work->query(
        "SELECT t.state, t.owner, coalesce(t.renewed_at < now() - $4::interval, false),"
        "  EXISTS (SELECT FROM chat_turns before"
        "          WHERE before.conversation_id = t.conversation_id AND before.ordinal < t.ordinal"
        "            AND before.state IN ('accepted', 'running')),"
        "  t.stop_requested_at IS NOT NULL, t.turn_id, t.conversation_id, c.session_id, "
        "t.user_text "
        "FROM chat_turns t JOIN chat_conversations c USING (conversation_id) "
        "WHERE t.turn_id = $1 AND c.tenant = $2 AND c.project = $3 FOR UPDATE OF t",
        std::move(which), by);
    if (!found) co_return std::unexpected(found.error());

    begun_turn begun;
    std::string owner = to_string(mine);  // of the turn this call ends
    if (!found->empty()) {
        auto standing = read_standing(*found);
        if (!standing) co_return std::unexpected(standing.error());
        begun.verdict = judge_claim(*standing, mine);
        begun.turn = read_reference(*found, 0, 5);
        begun.user_text = std::string(found->text(0, 8));
        if (begun.verdict == claim_verdict::interrupt) owner = std::string(found->text(0, 1));
        begun.failure = failure_of(begun.verdict, standing->is_stop_requested);
    }
    // One that is to be stopped becomes ours too: only its owner ends a turn.
    if (begun.verdict == claim_verdict::start || begun.verdict == claim_verdict::stop) {
        parameters marked(turn_id, to_string(mine));
        auto started = co_await work->query(
            "UPDATE chat_turns SET state = 'running', owner = $2, started_at = now(),"
            "  renewed_at = now() WHERE turn_id = $1 AND state = 'accepted'",
            std::move(marked), by);
        if (!started) co_return std::unexpected(started.error());
    }
    auto committed = co_await work->commit(by);
    if (!committed) co_return std::unexpected(committed.error());
    if (!begun.failure) co_return begun;

    {
        const auto given_back = std::move(*lease);  // end() takes a lease of its own
    }
    const auto seen_ended =
        begun.verdict == claim_verdict::stop ? repeat::is_the_same : repeat::is_somebody_elses;
    auto ended =
        co_await end(turn_id, std::move(owner), unanswered(*begun.failure), seen_ended, by);
    if (!ended) co_return std::unexpected(ended.error());
    if (!ended->is_recorded) begun.verdict = claim_verdict::drop;
    begun.next = std::move(ended->next);
    co_return begun;
}

asio::awaitable<result<finished_turn>> chat_store::finish(std::string turn_id, fencing_token mine,
                                                          turn_ending ending, deadline by) {
    co_return co_await end(std::move(turn_id), to_string(mine), std::move(ending),
                           repeat::is_the_same, by);
}

asio::awaitable<result<finished_turn>> chat_store::end(std::string turn_id, std::string owner,
                                                       turn_ending ending, repeat seen_ended,
                                                       deadline by) {
    auto lease = co_await pool_.acquire(call_by(by));
    if (!lease) co_return std::unexpected(lease.error());
    auto work = co_await lease->begin(by);
    if (!work) co_return std::unexpected(work.error());

    // The same order of locks as accept(): the conversation, then its turns.
    auto locked = co_await work->query(
        "SELECT FROM chat_conversations WHERE conversation_id ="
        "  (SELECT conversation_id FROM chat_turns WHERE turn_id = $1) FOR UPDATE",
        parameters(turn_id), by);
    if (!locked) co_return std::unexpected(locked.error());

    const std::string state(to_string(ending.state));
    parameters ended_as(turn_id, owner, state, ending.answer_text);
    ended_as.add(ending.failure ? std::optional(ending.failure->code) : std::nullopt);
    ended_as.add(ending.failure ? std::optional(ending.failure->message) : std::nullopt);
    ended_as.add(seen_ended == repeat::is_the_same ? state : std::string("running"));
    auto ended = co_await work->query(
        "UPDATE chat_turns SET state = $3, answer_text = $4, error_code = $5, error_message = $6,"
        "  ended_at = coalesce(ended_at, now()) "
        "WHERE turn_id = $1 AND owner = $2 AND state IN ('running', $7) RETURNING conversation_id",
        std::move(ended_as), by);
    if (!ended) co_return std::unexpected(ended.error());

    finished_turn finished{.is_recorded = !ended->empty(), .next = std::nullopt};
    if (finished.is_recorded) {
        const std::string conversation_id(ended->text(0, 0));
        auto touched = co_await work->query(
            "UPDATE chat_conversations SET updated_at = now() WHERE conversation_id = $1",
            parameters(conversation_id), by);
        if (!touched) co_return std::unexpected(touched.error());
        auto next = co_await work->query(
            "SELECT t.turn_id, t.conversation_id, c.session_id "
            "FROM chat_turns t JOIN chat_conversations c USING (conversation_id) "
            "WHERE t.conversation_id = $1 AND t.state = 'accepted' ORDER BY t.ordinal LIMIT 1",
            parameters(conversation_id), by);
        if (!next) co_return std::unexpected(next.error());
        finished.next = read_next(*next);
    }
    auto committed = co_await work->commit(by);
    if (!committed) co_return std::unexpected(committed.error());
    co_return finished;
}

asio::awaitable<result<std::vector<renewed_turn>>> chat_store::renew(std::vector<owned_turn> turns,
                                                                     deadline by) {
    std::vector<std::string> ids;
    std::vector<std::string> owners;
    for (auto& turn : turns) {
        ids.push_back(std::move(turn.turn_id));
        owners.push_back(to_string(turn.owner));
    }
    auto renewed = co_await pool_.query(
        "UPDATE chat_turns t SET renewed_at = now() "
        "FROM unnest($1::uuid[], $2::text[]) AS mine(turn_id, owner) "
        "WHERE t.turn_id = mine.turn_id AND t.owner = mine.owner AND t.state = 'running' "
        "RETURNING t.turn_id, t.stop_requested_at IS NOT NULL",
        parameters(to_array(ids), to_array(owners)), call_by(by));
    if (!renewed) co_return std::unexpected(renewed.error());
    std::vector<renewed_turn> still_owned;
    for (std::size_t row = 0; row < renewed->size(); ++row)
        still_owned.push_back({.turn_id = std::string(renewed->text(row, 0)),
                               .is_stop_requested = renewed->text(row, 1) == "t"});
    co_return still_owned;
}

asio::awaitable<result<std::vector<turn_reference>>> chat_store::waiting_turns(
    std::chrono::milliseconds age, deadline by) {
    parameters which(scope_.tenant, scope_.project, std::to_string(age.count()) + " milliseconds",
                     swept_at_once_max);
    auto found = co_await pool_.query(
        "SELECT t.turn_id, t.conversation_id, c.session_id "
        "FROM chat_turns t JOIN chat_conversations c USING (conversation_id) "
        "WHERE c.tenant = $1 AND c.project = $2 AND t.state = 'accepted'"
        "  AND t.created_at < now() - $3::interval"
        "  AND NOT EXISTS (SELECT FROM chat_turns before"
        "        WHERE before.conversation_id = t.conversation_id AND before.ordinal < t.ordinal"
        "          AND before.state IN ('accepted', 'running')) "
        "ORDER BY t.created_at LIMIT $4",
        std::move(which), call_by(by));
    if (!found) co_return std::unexpected(found.error());
    std::vector<turn_reference> waiting;
    for (std::size_t row = 0; row < found->size(); ++row)
        waiting.push_back(read_reference(*found, row));
    co_return waiting;
}

asio::awaitable<result<std::vector<interrupted_turn>>> chat_store::interrupt_abandoned(
    std::chrono::milliseconds silence, deadline by) {
    parameters which(scope_.tenant, scope_.project,
                     std::to_string(silence.count()) + " milliseconds", swept_at_once_max);
    auto found = co_await pool_.query(
        "SELECT t.turn_id, t.conversation_id, c.session_id, t.owner,"
        "  t.stop_requested_at IS NOT NULL "
        "FROM chat_turns t JOIN chat_conversations c USING (conversation_id) "
        "WHERE c.tenant = $1 AND c.project = $2 AND t.state = 'running'"
        "  AND t.renewed_at < now() - $3::interval ORDER BY t.renewed_at LIMIT $4",
        std::move(which), call_by(by));
    if (!found) co_return std::unexpected(found.error());

    std::vector<interrupted_turn> interrupted;
    for (std::size_t row = 0; row < found->size(); ++row) {
        auto turn = read_reference(*found, row);
        auto why = failure_without_processor(found->text(row, 4) == "t");
        auto ended = co_await end(turn.turn_id, std::string(found->text(row, 3)), unanswered(why),
                                  repeat::is_somebody_elses, by);
        // Those already ended must be told; the rest are found at the next sweep.
        if (!ended) break;
        if (ended->is_recorded) {
            interrupted.push_back({.turn = std::move(turn),
                                   .failure = std::move(why),
                                   .next = std::move(ended->next)});
        }
    }
    co_return interrupted;
}

}  // namespace headroom::chat
