// SPDX-License-Identifier: Apache-2.0
// The subscriber's one task: takes a connection from the pool, asks for what is wanted, watches the
// pulse, and begins anew after a loss. What the server says: subscriber_inbox.cpp.
#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <random>
#include <utility>

#include "base/assert.hpp"
#include "redis/connection.hpp"
#include "redis/subscriber_state.hpp"

namespace headroom::redis {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto acquire_slice = 30s;

using request_kind = subscription_book::request_kind;

std::string_view name_of(const subscription_book::batch& batch) {
    const bool is_channel = batch.of == topic_kind::channel;
    if (batch.kind == request_kind::subscribe) return is_channel ? "SUBSCRIBE" : "PSUBSCRIBE";
    return is_channel ? "UNSUBSCRIBE" : "PUNSUBSCRIBE";
}

}  // namespace

void subscriber::state::run_if_needed(const std::shared_ptr<state>& self) {
    if (self->is_running || self->is_stopping) return;
    self->is_running = true;
    self->ended.reset();
    auto on_end = [self](const std::exception_ptr& thrown) {
        HEADROOM_ASSERT(!thrown, "the subscriber's task throws nothing");
        self->is_running = false;
        self->end_all_streams({redis_errc::closed, "the subscriber or its client is closed"});
        self->ended.set();
        self->tell_changed();
        self->tell_all_waiters();
    };
    asio::co_spawn(self->source->group->executor(), run(self),
                   asio::bind_cancellation_slot(self->stop_signal.slot(), std::move(on_end)));
}

asio::awaitable<void> subscriber::state::run(std::shared_ptr<state> self) {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!self->is_stopping) {
        if (self->book.count() == 0) {  // nothing to dial for
            self->wake.reset();
            (void)co_await self->wake.wait(deadline::max());
            continue;
        }
        auto held = co_await self->source->pool.acquire(self->owner, clock::now() + acquire_slice);
        if (self->is_stopping) break;
        auto lived = clock::duration::zero();
        if (held) {
            co_await live(self, std::move(*held));
            if (self->restored_at) lived = clock::now() - *self->restored_at;
        } else {
            ++self->totals.acquires_failed;
            self->last_error = held.error();
            if (held.error().code == pool::pool_errc::closed) break;
        }
        self->tell_changed();
        if (!self->is_stopping) co_await self->back_off(lived);
    }
}

asio::awaitable<void> subscriber::state::back_off(clock::duration lived) {
    std::uniform_real_distribution<double> share(0, 1);
    const auto until = clock::now() + pace.on_ended(lived, share(jitter));
    while (!must_dial_now && !is_stopping && clock::now() < until) {
        wake.reset();
        (void)co_await wake.wait(until);
    }
    must_dial_now = false;
}

void subscriber::state::begin_life(const std::shared_ptr<state>& self) {
    ++totals.connections;
    is_lost = false;
    must_dial_now = false;
    restored_at.reset();
    hold_until = {};
    pulse.on_connected(clock::now());
    if (link->is_lost()) return lose(*link->loss(), link->loss_kind());
    book.on_connected();
    // Each keeps the state itself: a callback of the user's may close the connection, and with it
    // the function that runs.
    const auto life = book.epoch();
    link->set_receiver([self, life](value&& v) {
        const auto held = self;
        if (held->book.epoch() == life) held->on_value(v);
    });
    link->on_lost([self, life](exchange_list, const error& why) {
        const auto held = self;
        if (held->book.epoch() == life) held->lose(why, held->link->loss_kind());
    });
    was_connected = true;
    note_restored();
}

// One life of the connection, from the first SUBSCRIBE to its loss.
asio::awaitable<void> subscriber::state::live(std::shared_ptr<state> self, pool::lease held) {
    held.mark_in_use();
    self->link = held.as<connection>().link();
    self->begin_life(self);
    while (!self->is_lost && !self->is_stopping) {
        const auto now = clock::now();
        self->send_requests(now);
        const auto seen = self->pulse.look(now);
        if (seen.is_lost) {
            self->lose({redis_errc::connect_failed, "the server has not answered in time"},
                       loss_reason::silent);
            break;
        }
        if (seen.must_ping) {
            self->ping(now);
            continue;
        }
        const bool is_held = self->hold_until > now && self->book.has_requests();
        self->wake.reset();
        (void)co_await self->wake.wait(is_held ? std::min(seen.look_again, self->hold_until)
                                               : seen.look_again);
    }
    self->is_lost = true;
    self->book.on_lost();
    self->link->on_lost(nullptr);
    self->link.reset();
    held.give_back();
}

// What may be asked now goes into the next write; the window bounds how much that is.
void subscriber::state::send_requests(clock::time_point now) {
    if (is_lost || is_stopping || now < hold_until) return;
    std::string bytes;
    while (book.take_batch(batch)) {
        command ask(name_of(batch));
        for (const auto name : batch.names)
            ask.arg(name);
        bytes.reserve(bytes.size() + ask.encoded_size());
        ask.encode_to(bytes);
        ++totals.commands;
    }
    if (bytes.empty()) return;
    pulse.on_asked(now);
    link->send_unpaired(bytes);
}

void subscriber::state::ping(clock::time_point now) {
    std::string bytes;
    command("PING").encode_to(bytes);
    book.on_ping_sent();
    pulse.on_asked(now);
    link->send_unpaired(bytes);
}

void subscriber::state::lose(error why, std::optional<loss_reason> kind) {
    if (is_lost) return;
    is_lost = true;
    kind ? ++totals.losses[static_cast<std::size_t>(*kind)] : ++totals.ended_by_us;
    last_error = std::move(why);
    if (!is_stopping) mark_gap_in_streams();
    book.on_lost();
    wake.set();
    tell_changed();
    if (!was_connected || gap_announced || is_stopping || book.count() == 0) return;
    gap_announced = true;
    ++totals.gaps;
    // Last: the callback may use the subscriber.
    if (callbacks.on_gap) callbacks.on_gap(error(*last_error));
}

void subscriber::state::tell_changed() {
    changed.set();
    changed.reset();
}

void subscriber::state::tell_all_waiters() {
    for (const auto& [which, who] : waiters)
        who->answered.set();
}

}  // namespace headroom::redis
