// SPDX-License-Identifier: Apache-2.0
#include "chat/processor/turn_run.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "chat/core/backoff.hpp"
#include "net/deadline.hpp"

namespace headroom::chat {

namespace asio = boost::asio;
using std::chrono::seconds;

namespace {

constexpr auto attempt_time_max = seconds(5);
constexpr auto begin_time_max = seconds(10);
constexpr auto tell_start_time_max = seconds(5);
constexpr auto deltas_time_max = seconds(5);  // after the bundle's end
constexpr auto record_time_max = seconds(120);
constexpr auto tell_end_time_max = seconds(60);
constexpr auto queue_time_max = seconds(10);
constexpr auto bundle_end_time_max = seconds(20);

}  // namespace

asio::awaitable<void> turn_tools::tell_interrupted(interrupted_turn ended, deadline by) const {
    ++stats.interrupted;
    const turn_events events(std::move(ended.turn));
    const auto next = std::move(ended.next);
    const turn_ending how{
        .state = turn_state::interrupted, .answer_text = {}, .failure = std::move(ended.failure)};
    auto batch = events.ending(how, next.has_value());
    auto told = co_await publisher.publish(events.turn().session_id, std::move(batch), by);
    if (!told) notice("events_lost", told.error().what());
    if (next) {
        // A failure costs a moment: the sweeper finds it.
        [[maybe_unused]] auto queued =
            co_await queue.enqueue(next->turn_id, turn_queue::admission::already_accepted, by);
    }
}

turn_run::turn_run(const turn_tools& tools, queue_claim claim, fencing_token token)
    : tools_(tools),
      claim_(std::move(claim)),
      token_(std::move(token)),
      bundle_task_(tools.executor),
      delta_task_(tools.executor) {}

void turn_run::interrupt(interruption_cause why) {
    if (!interrupted_by_) interrupted_by_ = why;
    if (live_) live_->stop();
    bundle_task_.request_stop();
}

std::optional<owned_turn> turn_run::owned() const {
    if (!live_) return std::nullopt;
    return owned_turn{.turn_id = claim_.turn_id, .owner = token_};
}

deadline turn_run::within(clock::duration time) const {
    const auto by = clock::now() + time;
    return hurry_by_ ? std::min(by, *hurry_by_) : by;
}

// Tries again, with back-off, while a server is away; what the store itself refuses stands.
template <class T>
asio::awaitable<result<T>> turn_run::persist(
    std::function<asio::awaitable<result<T>>(deadline)> attempt, clock::duration time) {
    const auto last = clock::now() + time;
    backoff pause(std::hash<std::string>{}(claim_.turn_id));
    for (;;) {
        auto answer = co_await attempt(std::min(last, within(attempt_time_max)));
        if (answer || answer.error().code.category() == chat_category()) co_return answer;
        const auto again_at = clock::now() + pause.next();
        const auto by = std::min(last, within(time));
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (again_at >= by || cancellation.cancelled() != asio::cancellation_type::none) {
            co_return answer;
        }
        co_await net::sleep_until(again_at);
    }
}

asio::awaitable<void> turn_run::run() {
    if (interrupted_by_) {
        auto returned = co_await tools_.queue.put_back(claim_, within(queue_time_max));
        if (returned) ++tools_.stats.requeued;
        co_return;
    }
    auto begun = co_await persist<begun_turn>(
        [this](deadline by) {
            const auto until = tools_.may_judge_silence_until();
            const auto silence = until ? std::optional(tools_.options.silence_max) : std::nullopt;
            return tools_.store.begin(claim_.turn_id, token_, silence,
                                      until ? std::min(by, *until) : by);
        },
        begin_time_max);
    if (!begun) {
        // It may be ours without our knowing: nobody runs it before that is clear, and unrenewed
        // the entry comes back.
        tools_.notice("turn_not_begun", begun.error().what());
        co_return;
    }
    switch (begun->verdict) {
        case claim_verdict::start:
        case claim_verdict::resume:
            co_await answer(*begun);
            break;
        case claim_verdict::interrupt:
            tools_.notice("turn_interrupted", claim_.turn_id);
            [[fallthrough]];
        case claim_verdict::stop: {
            interrupted_turn ended{
                .turn = begun->turn, .failure = *begun->failure, .next = begun->next};
            co_await tools_.tell_interrupted(std::move(ended), within(tell_end_time_max));
            co_await acknowledge();
            break;
        }
        case claim_verdict::leave:
            break;
        case claim_verdict::wait:
        case claim_verdict::drop:
            co_await acknowledge();
            break;
    }
}

asio::awaitable<void> turn_run::answer(const begun_turn& begun) {
    ++tools_.stats.started;
    const turn_events events(begun.turn);
    const auto& chosen = tools_.bundles.choose(begun.user_text);
    live_.emplace(tools_.executor, tools_.publisher, events,
                  chosen.limits.answer_bytes_max.value_or(tools_.options.answer_bytes_max));
    if (interrupted_by_) live_->stop();

    std::vector<outgoing_event> opening{events.start(begun.user_text),
                                        events.status(conversation_state::in_progress)};
    auto told = co_await tools_.publisher.publish(begun.turn.session_id, std::move(opening),
                                                  within(tell_start_time_max));
    if (!told) tools_.notice("events_lost", told.error().what());

    delta_task_.spawn("deltas of " + claim_.turn_id, live_->publish());
    bundle_request request{.turn_id = begun.turn.turn_id,
                           .conversation_id = begun.turn.conversation_id,
                           .session_id = begun.turn.session_id,
                           .text = begun.user_text};
    const auto by = clock::now() + chosen.limits.time_max.value_or(tools_.options.turn_time_max);
    // It may have been stopped while its people were told that it starts.
    if (!interrupted_by_) {
        bundle_task_.spawn("bundle of " + claim_.turn_id,
                           run_bundle(chosen, std::move(request), by));
    }
    bool ended = co_await bundle_task_.join(by);
    if (!ended && !interrupted_by_) {
        live_->stop();
        bundle_task_.request_stop();
    }
    while (!ended) {
        ended = co_await bundle_task_.join(clock::now() + bundle_end_time_max);
        if (!ended) tools_.notice("bundle_does_not_end", claim_.turn_id);
    }
    live_->close();
    while (!co_await delta_task_.join(clock::now() + deltas_time_max))
        tools_.notice("deltas_late", claim_.turn_id);

    co_await record(ending(), events);
}

// The edge where a bundle's exceptions end.
asio::awaitable<void> turn_run::run_bundle(const shelved_bundle& chosen, bundle_request request,
                                           deadline by) {
    try {
        bundle_turn turn{.request = std::move(request), .answer = *live_, .by = by};
        outcome_ = co_await chosen.answers->handle(std::move(turn), *chosen.services);
    } catch (const std::exception& thrown) {
        outcome_ = failure(chat_errc::bundle_failed, thrown.what());
    } catch (...) {
        outcome_ = failure(chat_errc::bundle_failed, "an exception of an unknown type");
    }
}

turn_ending turn_run::ending() const {
    turn_ending how{
        .state = turn_state::completed, .answer_text = live_->text(), .failure = std::nullopt};
    if (interrupted_by_) {
        how.state = turn_state::interrupted;
        how.failure = interruption(*interrupted_by_);
    } else if (!outcome_) {
        how.state = turn_state::error;
        if (outcome_.error().code == chat_errc::answer_too_long) {
            how.failure = {.code = "answer_too_long",
                           .message = "The answer is too long; only its beginning is kept."};
        } else if (live_->is_stopped()) {
            how.failure = {.code = "turn_timeout", .message = "The answer took too long."};
        } else {
            how.failure = {.code = "bundle_failed",
                           .message = "The answer could not be made. Please try again."};
        }
        tools_.notice("turn_failed", outcome_.error().what());
    }
    return how;
}

asio::awaitable<void> turn_run::record(turn_ending how, const turn_events& events) {
    auto finished = co_await persist<finished_turn>(
        [this, &how](deadline by) { return tools_.store.finish(claim_.turn_id, token_, how, by); },
        record_time_max);
    if (!finished) {
        // Unrenewed, it will be ended as interrupted by a sweeper.
        tools_.notice("turn_end_not_recorded", finished.error().what());
        co_return;
    }
    if (finished->is_recorded) {
        if (how.state == turn_state::completed) ++tools_.stats.completed;
        if (how.state == turn_state::error) ++tools_.stats.failed;
        if (how.state == turn_state::interrupted) ++tools_.stats.interrupted;
        auto batch = events.ending(how, finished->next.has_value());
        auto told = co_await tools_.publisher.publish(events.turn().session_id, std::move(batch),
                                                      within(tell_end_time_max));
        if (!told) tools_.notice("events_lost", told.error().what());
        if (finished->next) {
            [[maybe_unused]] auto queued = co_await tools_.queue.enqueue(
                finished->next->turn_id, turn_queue::admission::already_accepted,
                within(queue_time_max));
        }
    }
    co_await acknowledge();
}

asio::awaitable<void> turn_run::acknowledge() {
    auto done = co_await persist<void>(
        [this](deadline by) { return tools_.queue.acknowledge(claim_, by); }, queue_time_max);
    // An entry that stays is claimed again and found to be ended.
    if (!done) tools_.notice("acknowledge_failed", done.error().what());
}

}  // namespace headroom::chat
