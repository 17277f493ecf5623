// SPDX-License-Identifier: Apache-2.0
#include "redis/subscriber.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <random>
#include <utility>

#include "base/assert.hpp"
#include "net/deadline.hpp"
#include "net/event.hpp"
#include "redis/client_state.hpp"
#include "redis/core/subscription_book.hpp"

namespace headroom::redis {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto backoff_first = 50ms;
constexpr auto backoff_max = 5s;
// A socket that takes bytes but whose peer is gone looks alive for minutes: ask it.
constexpr auto ping_interval = 3s;
constexpr auto ping_timeout = 3s;
constexpr auto acquire_slice = 30s;
constexpr std::size_t requests_at_once = 1'000;

using request_kind = subscription_book::request_kind;
using standing = subscription_book::standing;

}  // namespace

struct subscriber::state {
    state(std::shared_ptr<client::state> from, std::string_view owner_name,
          subscriber_callbacks given)
        : source(std::move(from)),
          owner(source->pool.owner(owner_name)),
          callbacks(std::move(given)),
          wake(source->group->executor()),
          changed(source->group->executor()),
          ended(source->group->executor()) {}

    // Fixed at construction.
    std::shared_ptr<client::state> source;  // the pool outlives the connection taken from it
    pool::owner_id owner;
    subscriber_callbacks callbacks;

    subscription_book book;
    std::shared_ptr<wire> link;  // while connected
    net::event wake;             // the running task has something to do
    net::event changed;          // those who wait for a confirmation look again
    net::event ended;            // the task is over
    asio::cancellation_signal stop_signal;
    bool is_running = false;
    bool is_stopping = false;
    bool is_lost = false;        // since the connection was made
    bool must_dial_now = false;  // somebody does not want to wait for the back-off
    bool gap_announced = false;  // and not yet restored
    bool was_connected = false;  // ever: before that nothing can be missed
    std::optional<error> last_error;
    clock::duration backoff = backoff_first;
    std::mt19937_64 jitter{std::random_device{}()};
    std::optional<deadline> pong_due;

    // --- The task: connects, keeps, reconnects ---
    static void run_if_needed(const std::shared_ptr<state>& self);
    static asio::awaitable<void> run(std::shared_ptr<state> self);
    asio::awaitable<void> back_off();
    asio::awaitable<void> live(std::shared_ptr<state> self, pool::lease held);
    void send_requests();
    void ping();
    void lose(error why);

    // --- What the server says ---
    void on_value(const value& v);
    void on_confirmation(request_kind kind, const std::string& channel);
    void on_denied(const std::string& message);
    void on_pong();
    void note_settled();

    void tell_changed();
};

// --- The task ---

void subscriber::state::run_if_needed(const std::shared_ptr<state>& self) {
    if (self->is_running || self->is_stopping) return;
    self->is_running = true;
    self->ended.reset();
    auto on_end = [self](const std::exception_ptr& thrown) {
        HEADROOM_ASSERT(!thrown, "the subscriber's task throws nothing");
        self->is_running = false;
        self->ended.set();
        self->tell_changed();
    };
    asio::co_spawn(self->source->group->executor(), run(self),
                   asio::bind_cancellation_slot(self->stop_signal.slot(), std::move(on_end)));
}

asio::awaitable<void> subscriber::state::run(std::shared_ptr<state> self) {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!self->is_stopping) {
        if (self->book.channel_count() == 0) {  // nothing to dial for
            self->wake.reset();
            (void)co_await self->wake.wait(deadline::max());
            continue;
        }
        auto held = co_await self->source->pool.acquire(self->owner, clock::now() + acquire_slice);
        if (self->is_stopping) break;
        if (held) {
            co_await self->live(self, std::move(*held));
        } else {
            self->last_error = held.error();
            if (held.error().code == pool::pool_errc::closed) break;
        }
        self->tell_changed();
        if (!self->is_stopping) co_await self->back_off();
    }
}

asio::awaitable<void> subscriber::state::back_off() {
    std::uniform_int_distribution<std::int64_t> share(backoff.count() / 2, backoff.count());
    const auto until = clock::now() + clock::duration(share(jitter));
    backoff = std::min<clock::duration>(backoff * 2, backoff_max);
    while (!must_dial_now && !is_stopping && clock::now() < until) {
        wake.reset();
        (void)co_await wake.wait(until);
    }
    must_dial_now = false;
}

// One life of the connection, from the first SUBSCRIBE to its loss.
asio::awaitable<void> subscriber::state::live(std::shared_ptr<state> self, pool::lease held) {
    held.mark_in_use();
    link = held.as<connection>().link();
    is_lost = false;
    must_dial_now = false;
    pong_due.reset();
    link->set_receiver([self](value&& v) { self->on_value(v); });
    link->on_lost([self](exchange_list, const error& why) { self->lose(why); });
    if (link->is_lost()) lose({redis_errc::connect_failed, "the connection was lost at once"});
    if (!is_lost) {
        book.on_connected();
        was_connected = true;
        note_settled();
    }
    auto ping_at = clock::now() + ping_interval;
    while (!is_lost && !is_stopping) {
        send_requests();
        wake.reset();
        (void)co_await wake.wait(pong_due.value_or(ping_at));
        const auto now = clock::now();
        if (pong_due && now >= *pong_due) {
            lose({redis_errc::connect_failed, "PING was not answered in time"});
        } else if (!pong_due && now >= ping_at && !is_lost) {
            ping();
            ping_at = now + ping_interval;
        }
    }
    book.on_lost();
    link->on_lost(nullptr);
    link.reset();
    held.give_back();
}

void subscriber::state::send_requests() {
    std::string bytes;
    while (book.has_requests()) {
        for (const auto& each : book.take_requests(requests_at_once)) {
            // One channel each, so that a refusal concerns one channel only.
            const auto* name = each.kind == request_kind::subscribe ? "SUBSCRIBE" : "UNSUBSCRIBE";
            command(name, each.channel).encode_to(bytes);
        }
        link->send_unpaired(bytes);
        bytes.clear();
    }
}

void subscriber::state::ping() {
    std::string bytes;
    command("PING").encode_to(bytes);
    link->send_unpaired(bytes);
    book.on_ping_sent();
    pong_due = clock::now() + ping_timeout;
}

void subscriber::state::lose(error why) {
    if (is_lost) return;
    is_lost = true;
    last_error = std::move(why);
    if (was_connected && !gap_announced && !is_stopping && book.channel_count() > 0) {
        gap_announced = true;
        if (callbacks.on_gap) callbacks.on_gap(*last_error);
    }
    book.on_lost();
    wake.set();
    tell_changed();
}

void subscriber::state::tell_changed() {
    changed.set();
    changed.reset();
}

// --- What the server says ---

// RESP3 sends pushes, RESP2 arrays of the same words; a PONG comes as one string or, in RESP2 with
// channels, as an array.
void subscriber::state::on_value(const value& v) {
    if (is_lost) return;
    if (v.is_error()) return on_denied(v.text);
    if (v.is_string() && v.text == "PONG") return on_pong();
    const bool is_event = (v.kind == value_kind::push || v.is_array()) && v.items.size() >= 2;
    if (!is_event) {
        return lose({redis_errc::protocol_error, "a subscriber connection got an unknown reply"});
    }
    const auto& word = v.items[0].text;
    if (word == "message" && v.items.size() == 3) {
        if (book.of(v.items[1].text) != standing::unknown && callbacks.on_message) {
            callbacks.on_message(v.items[1].text, v.items[2].text);
        }
    } else if (word == "subscribe") {
        on_confirmation(request_kind::subscribe, v.items[1].text);
    } else if (word == "unsubscribe") {
        on_confirmation(request_kind::unsubscribe, v.items[1].text);
    } else if (word == "pong") {
        on_pong();
    }
}

void subscriber::state::on_confirmation(request_kind kind, const std::string& channel) {
    if (!book.on_confirmed(kind, channel)) {
        return lose({redis_errc::protocol_error, "an answer about '" + channel + "' was not due"});
    }
    note_settled();
}

void subscriber::state::on_denied(const std::string& message) {
    last_error = error{classify_server_error(message), message};
    const auto refused = book.on_denied();
    if (!refused) return lose(*last_error);
    // A refused PING is an answer too.
    if (refused->kind == request_kind::ping) pong_due.reset();
    note_settled();
}

void subscriber::state::on_pong() {
    if (!book.on_confirmed(request_kind::ping, {})) {
        return lose({redis_errc::protocol_error, "a PONG was not due"});
    }
    pong_due.reset();
    wake.set();
}

void subscriber::state::note_settled() {
    wake.set();
    if (!book.is_settled()) return;
    backoff = backoff_first;
    if (std::exchange(gap_announced, false) && callbacks.on_restored) callbacks.on_restored();
    tell_changed();
}

// --- The public face ---

subscriber::subscriber(client& from, std::string_view owner_name, subscriber_callbacks callbacks)
    : state_(std::make_shared<state>(from.state_, owner_name, std::move(callbacks))) {}

subscriber::~subscriber() {
    HEADROOM_ASSERT(!state_->is_running, "a subscriber is stopped before it is destroyed");
}

asio::awaitable<result<void>> subscriber::subscribe(std::string channel, deadline by) {
    const auto held = state_;
    if (held->is_stopping) co_return failure(redis_errc::closed, "the subscriber was stopped");
    held->book.add(channel);
    held->wake.set();
    state::run_if_needed(held);
    for (;;) {
        const auto now = held->book.of(channel);
        if (now == standing::confirmed) co_return result<void>{};
        if (now == standing::denied) {
            held->book.drop(channel);
            co_return std::unexpected(*held->last_error);
        }
        const bool is_over = held->is_stopping || !held->is_running;
        const bool in_time = !is_over && co_await held->changed.wait(by);
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        const bool is_cancelled = cancellation.cancelled() != asio::cancellation_type::none;
        if (in_time && !is_cancelled) continue;

        held->book.drop(channel);
        held->wake.set();
        if (is_over)
            co_return failure(redis_errc::closed, "the subscriber or its client is closed");
        auto detail = "SUBSCRIBE " + channel + " was not confirmed in time";
        if (held->last_error) detail += "; last error: " + held->last_error->what();
        co_return failure(redis_errc::unknown, std::move(detail));
    }
}

void subscriber::unsubscribe(std::string_view channel) {
    state_->book.drop(channel);
    state_->wake.set();
}

asio::awaitable<result<void>> subscriber::restore(deadline by) {
    const auto held = state_;
    if (held->book.channel_count() == 0) co_return result<void>{};
    if (held->is_stopping) co_return failure(redis_errc::closed, "the subscriber was stopped");
    held->must_dial_now = true;
    held->wake.set();
    state::run_if_needed(held);
    while (!held->book.is_settled() && held->book.channel_count() > 0) {
        const bool is_over = held->is_stopping || !held->is_running;
        const bool in_time = !is_over && co_await held->changed.wait(by);
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        const bool is_cancelled = cancellation.cancelled() != asio::cancellation_type::none;
        if (in_time && !is_cancelled) continue;
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
    held->wake.set();
    held->stop_signal.emit(asio::cancellation_type::terminal);
    if (held->is_running) (void)co_await held->ended.wait(by);
    held->tell_changed();
}

bool subscriber::is_confirmed(std::string_view channel) const {
    return state_->book.of(channel) == standing::confirmed;
}

std::size_t subscriber::channel_count() const {
    return state_->book.channel_count();
}

}  // namespace headroom::redis
