// SPDX-License-Identifier: Apache-2.0
// The public face, and those who wait for an answer. The task is in subscriber_task.cpp, what the
// server says in subscriber_inbox.cpp, streams are in message_stream.cpp.
#include "redis/subscriber.hpp"

#include <fmt/format.h>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "redis/subscriber_state.hpp"

namespace headroom::redis {

namespace asio = boost::asio;

namespace {

using standing = subscription_book::standing;

constexpr std::size_t name_shown_max = 100;  // bytes of a name in an error

std::string shown(const topic& what) {
    const auto* word = what.kind == topic_kind::channel ? "channel '" : "pattern '";
    return word + printable_excerpt(what.name, name_shown_max) + "'";
}

bool is_cancelled(const asio::cancellation_state& of) {
    return of.cancelled() != asio::cancellation_type::none;
}

}  // namespace

subscriber::state::state(std::shared_ptr<client::state> from, std::string_view owner_name,
                         subscriber_callbacks given, subscriber_options chosen)
    : source(std::move(from)),
      owner(source->pool.owner(owner_name)),
      callbacks(std::move(given)),
      options(chosen),
      book(chosen.requests),
      pulse(chosen.pulse),
      pace(chosen.reconnect),
      wake(source->group->executor()),
      changed(source->group->executor()),
      ended(source->group->executor()) {}

// --- Those who wait ---

result<void> subscriber::state::check(const topic& what) const {
    if (is_stopping) return failure(redis_errc::closed, "the subscriber was stopped");
    if (what.name.size() > options.name_bytes_max) {
        return failure(redis_errc::not_allowed,
                       fmt::format("{} has a name of {} bytes; at most {} are allowed "
                                   "(subscriber_options::name_bytes_max)",
                                   shown(what), what.name.size(), options.name_bytes_max));
    }
    if (book.count() >= options.topics_max && book.find_wanted(what) == nullptr) {
        return failure(redis_errc::queue_full,
                       fmt::format("{} would be one more than the {} channels and patterns a "
                                   "subscriber may have (subscriber_options::topics_max)",
                                   shown(what), options.topics_max));
    }
    return {};
}

void subscriber::state::drop(const topic& what) {
    book.drop(what);
    wake.set();
}

// The caller holds a reference while this lasts, so `which` stays.
asio::awaitable<result<void>> subscriber::state::await_confirmation(std::shared_ptr<state> self,
                                                                    const subscription* which,
                                                                    deadline by) {
    waiter here{net::event(self->source->group->executor()), std::nullopt};
    struct listing {
        decltype(waiters)& in;
        decltype(waiters)::iterator at;
        ~listing() { in.erase(at); }
    } listed{self->waiters, self->waiters.emplace(which, &here)};

    for (;;) {
        if (here.refusal) co_return std::unexpected(*here.refusal);
        if (subscription_book::of(*which) == standing::confirmed) co_return result<void>{};
        if (self->is_stopping || !self->is_running) {
            co_return failure(redis_errc::closed, "the subscriber or its client is closed");
        }
        here.answered.reset();
        const bool in_time = co_await here.answered.wait(by);
        const bool cancelled = is_cancelled(co_await asio::this_coro::cancellation_state);
        if (in_time && !cancelled) continue;

        auto detail = shown(which->what()) + (cancelled ? " was given up before it was confirmed"
                                                        : " was not confirmed in time");
        if (!self->is_lost && self->last_error) {
            detail += "; last error: " + self->last_error->what();
        } else if (self->is_lost) {
            detail += "; there is no connection";
            if (self->last_error) detail += ": " + self->last_error->what();
        }
        co_return failure(redis_errc::unknown, std::move(detail));
    }
}

asio::awaitable<result<void>> subscriber::state::subscribe(std::shared_ptr<state> self,
                                                           topic_kind kind, std::string name,
                                                           deadline by) {
    if (auto checked = self->check({kind, name}); !checked) co_return checked;
    reference held(self, kind, std::move(name));
    auto done = co_await await_confirmation(self, held.which(), by);
    if (done) held.keep();
    co_return done;
}

// --- The public face ---

subscriber::subscriber(client& from, std::string_view owner_name, subscriber_callbacks callbacks,
                       subscriber_options options)
    : state_(std::make_shared<state>(from.state_, owner_name, std::move(callbacks), options)) {}

subscriber::~subscriber() {
    HEADROOM_ASSERT(!state_->is_running, "a subscriber is stopped before it is destroyed");
}

asio::awaitable<result<void>> subscriber::subscribe(std::string channel, deadline by) {
    return state::subscribe(state_, topic_kind::channel, std::move(channel), by);
}

asio::awaitable<result<void>> subscriber::subscribe_pattern(std::string pattern, deadline by) {
    return state::subscribe(state_, topic_kind::pattern, std::move(pattern), by);
}

void subscriber::unsubscribe(std::string_view channel) {
    state_->drop({topic_kind::channel, channel});
}

void subscriber::unsubscribe_pattern(std::string_view pattern) {
    state_->drop({topic_kind::pattern, pattern});
}

asio::awaitable<result<message_stream>> subscriber::open_stream(topic_kind kind, std::string name,
                                                                stream_bounds bounds, deadline by) {
    return state::open_stream(state_, kind, std::move(name), bounds, by);
}

asio::awaitable<result<void>> subscriber::restore(deadline by) {
    const auto held = state_;
    if (held->book.count() == 0) co_return result<void>{};
    if (held->is_stopping) co_return failure(redis_errc::closed, "the subscriber was stopped");
    held->must_dial_now = true;
    held->wake.set();
    state::run_if_needed(held);
    while (!held->book.is_restored() && held->book.count() > 0) {
        const bool is_over = held->is_stopping || !held->is_running;
        const bool in_time = !is_over && co_await held->changed.wait(by);
        const bool cancelled = is_cancelled(co_await asio::this_coro::cancellation_state);
        if (in_time && !cancelled) continue;
        if (is_over)
            co_return failure(redis_errc::closed, "the subscriber or its client is closed");
        auto detail = std::string("the channels were not confirmed in time");
        if (held->last_error) detail += "; last error: " + held->last_error->what();
        co_return failure(redis_errc::connect_failed, std::move(detail));
    }
    co_return result<void>{};
}

asio::awaitable<void> subscriber::stop(deadline by) {
    const auto held = state_;
    held->is_stopping = true;
    held->end_all_streams({redis_errc::closed, "the subscriber was stopped"});
    held->wake.set();
    held->stop_signal.emit(asio::cancellation_type::terminal);
    if (held->is_running) (void)co_await held->ended.wait(by);
    held->tell_changed();
    held->tell_all_waiters();
}

bool subscriber::is_confirmed(std::string_view channel) const {
    return state_->book.of({topic_kind::channel, channel}) == standing::confirmed;
}

bool subscriber::is_pattern_confirmed(std::string_view pattern) const {
    return state_->book.of({topic_kind::pattern, pattern}) == standing::confirmed;
}

std::size_t subscriber::channel_count() const {
    return state_->book.count(topic_kind::channel);
}

std::size_t subscriber::pattern_count() const {
    return state_->book.count(topic_kind::pattern);
}

subscriber_stats subscriber::stats() const {
    auto now = state_->totals;
    now.channels = channel_count();
    now.patterns = pattern_count();
    now.is_connected = !state_->is_lost;
    now.is_restored = state_->book.is_restored();
    return now;
}

}  // namespace headroom::redis
