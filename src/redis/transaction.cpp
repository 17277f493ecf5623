// SPDX-License-Identifier: Apache-2.0
#include "redis/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <random>
#include <utility>

#include "net/deadline.hpp"
#include "redis/client_state.hpp"
#include "redis/connection.hpp"
#include "redis/core/retry_policy.hpp"
#include "redis/core/transaction_rules.hpp"
#include "redis/exchange.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

std::optional<error> refuse(const std::vector<command>& what) {
    for (const auto& each : what) {
        if (auto why = refusal_in_transaction(each)) {
            return error{redis_errc::not_allowed, std::move(*why)};
        }
    }
    return std::nullopt;
}

result<std::vector<value>> to_result(transaction_verdict verdict, reply_form form) {
    switch (verdict.end) {
        case transaction_end::committed:
            break;
        case transaction_end::conflict:
            return failure(redis_errc::conflict, std::move(verdict.reason));
        case transaction_end::aborted:
            return failure(classify_server_error(verdict.server_message),
                           std::move(verdict.reason));
        case transaction_end::ran_apart:
            return failure(redis_errc::server_error, std::move(verdict.reason));
        case transaction_end::unreadable:
            return failure(redis_errc::unexpected_reply, std::move(verdict.reason));
    }
    const auto is_readable = [](const value& each) { return is_text(each); };
    if (form == reply_form::text && !std::ranges::all_of(verdict.values, is_readable)) {
        return failure(redis_errc::not_text,
                       "the transaction has run, but a reply holds bytes that are no text");
    }
    return std::move(verdict.values);
}

bool is_cancelled(const asio::cancellation_state& state) {
    return state.cancelled() != asio::cancellation_type::none;
}

// Whether anything of a transaction may have run is never left to its commands' class.
retry_policy policy_for(call how, const client_options& options) {
    const retry_rules none{.refusals = false, .reads = false};
    return {how.may_retry ? options.retries : none, side_effect::not_repeatable,
            static_cast<std::uint64_t>(std::random_device{}())};
}

// Of what the server refuses for a while: LOADING, READONLY, ...
std::optional<clock::time_point> next_try(retry_policy& policy, const transaction_verdict& verdict,
                                          deadline by) {
    if (verdict.end != transaction_end::aborted) return std::nullopt;
    return policy.next_after(
        {outcome_of(classify_server_error(verdict.server_message)), verdict.server_message},
        clock::now(), by);
}

result<std::vector<value>> tell_tries(const retry_policy& policy, result<std::vector<value>> last) {
    if (!last) last.error().detail = policy.tell_tries(std::move(last.error().detail));
    return last;
}

error explain_unknown(error why) {
    if (why.code == redis_errc::unknown) {
        why.detail += "; a transaction that was sent has run as a whole, or not at all";
    }
    return why;
}

}  // namespace

// --- On the shared lane ---

asio::awaitable<result<std::vector<value>>> client::atomic(std::vector<command> what, call how) {
    if (auto refusal = refuse(what)) co_return std::unexpected(std::move(*refusal));
    if (state_->is_closing) co_return failure(redis_errc::closed, state_->options.kind);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation) || how.by <= clock::now()) {
        co_return failure(redis_errc::not_sent, is_cancelled(cancellation)
                                                    ? "cancelled before it began"
                                                    : "its deadline had passed before it began");
    }
    if (what.empty()) co_return std::vector<value>{};

    // The client may be destroyed while this waits.
    const auto handle = state_->handle;
    const auto form = state_->options.form;
    const auto framed = frame_transaction(std::move(what));
    const bool is_on_lease = state_->wants_lease(framed);
    auto policy = policy_for(how, state_->options);
    for (;;) {
        // A wire writes an exchange's commands one after the other and nobody else's between them,
        // also when its caller has given up: MULTI is always followed by its EXEC.
        std::vector<value> replies(framed.size());
        std::optional<error> failed;
        if (is_on_lease) {
            const request mine{.commands = framed, .replies = replies.data(), .on_lease = true};
            failed = co_await run_on_lease(handle, mine, how);
        } else {
            exchange x(framed, replies.data(), how.by);
            co_await submission{x, (*handle)->lane};
            failed = std::move(x.failure);
        }
        if (failed) co_return std::unexpected(explain_unknown(std::move(*failed)));
        const bool is_over = is_cancelled(cancellation) || *handle == nullptr;
        if (!is_over) (*handle)->react_to(replies);

        auto verdict = judge_transaction(framed, std::move(replies));
        // An EXEC that the server does not know (renamed away, or older than 6.0.6 and refused)
        // leaves a shared connection in MULTI, and the lane does not say which: all of them go.
        if (!verdict.is_left && *handle != nullptr) (*handle)->pool.retire_connections();
        const auto next = is_over ? std::nullopt : next_try(policy, verdict, how.by);
        if (!next) co_return tell_tries(policy, to_result(std::move(verdict), form));
        co_await net::sleep_until(*next);
        if (is_cancelled(cancellation) || *handle == nullptr || (*handle)->is_closing)
            co_return tell_tries(policy, to_result(std::move(verdict), form));
    }
}

result<std::vector<value>> atomic(blocking_client& through, std::vector<command> what, call how) {
    if (auto refusal = refuse(what)) return std::unexpected(std::move(*refusal));
    if (what.empty()) return std::vector<value>{};
    const auto framed = frame_transaction(std::move(what));
    auto replies = through.pipeline(framed, how);
    if (!replies) return std::unexpected(explain_unknown(std::move(replies.error())));
    return to_result(judge_transaction(framed, std::move(*replies)), through.options().form);
}

// --- On a lease ---

transaction::transaction(exclusive_connection held, const client_options& options, deadline by)
    : held_(std::move(held)), bounds_{options.lane_commands_max, options.lane_bytes_max}, by_(by) {}

asio::awaitable<result<transaction>> transaction::begin(client& through,
                                                        std::vector<std::string> watched,
                                                        call how) {
    const auto& options = through.options();
    auto held = co_await through.lease(how);
    if (!held) co_return std::unexpected(std::move(held.error()));
    transaction begun(std::move(*held), options, how.by);
    if (!watched.empty()) {
        auto done = co_await begun.watch(std::move(watched));
        if (!done) co_return std::unexpected(std::move(done.error()));
    }
    co_return std::move(begun);
}

// The connection is given back: for the next caller where it is proven clean, else to be closed.
void transaction::end(state how, std::string why) {
    held_.reset();
    state_ = how;
    queued_.clear();
    queued_bytes_ = 0;
    ended_by_ = std::move(why);
}

std::unexpected<error> transaction::has_ended() const {
    return failure(redis_errc::not_sent, "the transaction has ended: " + ended_by_);
}

asio::awaitable<result<std::vector<value>>> transaction::exchange(std::vector<command> what) {
    if (!held_) co_return has_ended();
    auto replies = co_await held_->exchange_on(what, by_);
    if (!replies) end(state::broken, replies.error().what());
    co_return replies;
}

asio::awaitable<result<void>> transaction::watch(std::vector<std::string> keys) {
    std::vector<command> what;
    auto& watch = what.emplace_back("WATCH");
    for (const auto& key : keys)
        watch.arg(key);
    auto replies = co_await exchange(std::move(what));
    if (!replies) co_return std::unexpected(std::move(replies.error()));
    if (replies->front().is_error()) {
        co_return std::unexpected(to_server_error(std::move(replies->front())));
    }
    co_return result<void>{};
}

asio::awaitable<result<value>> transaction::execute(command what) {
    if (auto why = refusal_in_transaction(what)) {
        co_return failure(redis_errc::not_allowed, std::move(*why));
    }
    std::vector<command> one;
    one.push_back(std::move(what));
    const auto form = held_ ? held_->form_ : reply_form::bytes;
    const std::string name(one.front().name());
    auto replies = co_await exchange(std::move(one));
    if (!replies) co_return std::unexpected(std::move(replies.error()));
    auto& reply = replies->front();
    if (reply.is_error()) co_return std::unexpected(to_server_error(std::move(reply)));
    if (form == reply_form::text && !is_text(reply)) {
        co_return failure(redis_errc::not_text,
                          "the reply to " + name + " holds bytes that are no text");
    }
    co_return std::move(reply);
}

result<void> transaction::queue(command what) {
    if (auto why = refusal_in_transaction(what)) {
        return failure(redis_errc::not_allowed, std::move(*why));
    }
    if (!held_) return has_ended();
    const auto bytes = queued_bytes_ + what.encoded_size();
    if (queued_.size() >= bounds_.commands_max || bytes > bounds_.bytes_max) {
        return failure(
            redis_errc::queue_full,
            fmt::format("{} commands of {} bytes are queued in the transaction, and {} asks for {} "
                        "more; lane_commands_max is {}, lane_bytes_max is {}",
                        queued_.size(), queued_bytes_, what.name(), bytes - queued_bytes_,
                        bounds_.commands_max, bounds_.bytes_max));
    }
    queued_bytes_ = bytes;
    queued_.push_back(std::move(what));
    return {};
}

asio::awaitable<result<std::vector<value>>> transaction::commit() {
    if (!held_) co_return has_ended();
    // One look spares the caller an `unknown` where the connection was lost while `body` thought.
    if (!held_->held_.as<connection>().is_alive()) {
        end(state::broken, "its connection was lost");
        co_return failure(redis_errc::not_sent,
                          "the connection was lost after WATCH, before the transaction was sent");
    }
    const auto form = held_->form_;
    const auto framed = frame_transaction(std::move(queued_));
    auto replies = co_await held_->exchange_on(framed, by_);
    end(state::committed, "it was committed");
    if (!replies) co_return std::unexpected(explain_unknown(std::move(replies.error())));
    co_return to_result(judge_transaction(framed, std::move(*replies)), form);
}

asio::awaitable<result<void>> transaction::discard() {
    std::vector<command> what;
    what.emplace_back("UNWATCH");
    auto replies = co_await exchange(std::move(what));
    if (!replies) co_return std::unexpected(std::move(replies.error()));
    end(state::discarded, "it was discarded");
    if (replies->front().is_error()) {
        co_return std::unexpected(to_server_error(std::move(replies->front())));
    }
    co_return result<void>{};
}

// --- With retries ---

namespace {

struct attempt {
    result<std::vector<value>> ended;
    bool is_final = false;  // whatever its error is
    bool is_begun = true;   // what failed is not WATCH or the lease: then nothing can have run
};

attempt final_attempt(error why) {
    return {.ended = std::unexpected(std::move(why)), .is_final = true};
}

asio::awaitable<attempt> try_once(client& through, std::vector<std::string> watched,
                                  const transaction_body& body, call how) {
    auto begun = co_await transaction::begin(through, std::move(watched), how);
    if (!begun) {
        co_return attempt{.ended = std::unexpected(std::move(begun.error())), .is_begun = false};
    }
    auto done = co_await body(*begun);
    switch (begun->current()) {
        case transaction::state::committed:
        case transaction::state::discarded:
            co_return final_attempt({redis_errc::not_allowed,
                                     "the body of run_transaction has ended the transaction "
                                     "itself: it may read and queue only"});
        case transaction::state::broken:
        case transaction::state::open:
            break;
    }
    if (!done && begun->current() == transaction::state::open) {
        // Whatever comes of it, the body's error is what the caller is told.
        (void)co_await begun->discard();
        co_return final_attempt(std::move(done.error()));
    }
    // Where a read of the body found the connection lost, this says so, and nothing has run.
    auto committed = co_await begun->commit();
    co_return attempt{.ended = std::move(committed)};
}

ended_try to_ended_try(const attempt& last) {
    const auto& why = last.ended.error();
    auto how = outcome_of(why.code);
    if (how == outcome::unknown && !last.is_begun) how = outcome::not_sent;
    const bool is_of_redis = why.code.category() == redis_category();
    return {how, why.detail, how == outcome::not_sent && is_of_redis};
}

}  // namespace

asio::awaitable<result<std::vector<value>>> run_transaction(client& through,
                                                            std::vector<std::string> watched,
                                                            transaction_body body, call how,
                                                            std::uint32_t tries_max) {
    std::minstd_rand random(std::random_device{}());
    std::uniform_real_distribution<double> share(0, 1);
    auto policy = policy_for(how, through.options());
    for (std::uint32_t conflicts = 0;;) {
        auto last = co_await try_once(through, watched, body, how);
        if (last.ended || last.is_final) co_return std::move(last.ended);

        std::optional<clock::time_point> again_at;
        const auto now = clock::now();
        const bool is_conflict = last.ended.error().code == redis_errc::conflict;
        if (is_conflict) {
            again_at = now + pause_after_conflict(++conflicts, share(random));
            if (conflicts >= tries_max || *again_at >= how.by) again_at.reset();
        } else {
            again_at = policy.next_after(to_ended_try(last), now, how.by);
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (!again_at || is_cancelled(cancellation)) {
            if (is_conflict)
                last.ended.error().detail += fmt::format("; so it was {} times", conflicts);
            co_return tell_tries(policy, std::move(last.ended));
        }
        co_await net::sleep_until(*again_at);
        if (is_cancelled(cancellation)) co_return std::move(last.ended);
    }
}

}  // namespace headroom::redis
