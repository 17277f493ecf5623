// SPDX-License-Identifier: Apache-2.0
#include "redis/sentinel_locator.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "net/event.hpp"
#include "redis/connection.hpp"

namespace headroom::redis {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// How long a closed connection is watched until the sentinel has let go of it, so that the next
// one is not counted beside it.
constexpr auto release_grace = 100ms;

struct move_listener {
    std::mutex mutex;  // held while it is called
    std::function<void()> call;
};

sentinel_watch_options watch_options(const sentinel_locator_options& from) {
    return {.sentinels = from.where.sentinels,
            .primary_name = from.where.primary_name,
            .stays = from.stays_connected,
            .seed = from.seed};
}

}  // namespace

struct sentinel_locator::state : std::enable_shared_from_this<state> {
    state(const asio::any_io_executor& on, sentinel_locator_options given)
        : executor(on),
          options(std::move(given)),
          name(format_client_name(options.identity, pool_kind::sentinel)),
          group(std::make_shared<wire_group>(on, 10s)),
          watch(watch_options(options)),
          wake(on),
          changed(on),
          ended(on) {}

    // Fixed at construction.
    asio::any_io_executor executor;
    const sentinel_locator_options options;
    std::string name;
    std::shared_ptr<wire_group> group;

    mutable std::mutex mutex;
    std::condition_variable told;  // for threads

    // Guarded by mutex.
    sentinel_watch watch;
    std::vector<std::shared_ptr<move_listener>> listeners;
    bool is_stopping = false;

    // Event loop only.
    net::event wake;     // the task looks what to do
    net::event changed;  // coroutines that wait for the address look again
    net::event ended;    // the task is over
    asio::cancellation_signal stop_signal;
    bool is_running = false;
    std::uint64_t moves_told = 0;
    std::optional<error> loss;  // of the present connection

    // Any thread: has the task look again, and begins it at the first need.
    void ring();
    static asio::awaitable<void> run(std::shared_ptr<state> self);
    static asio::awaitable<void> live(std::shared_ptr<state> self, host_and_port where);
    asio::awaitable<void> keep(const std::shared_ptr<wire>& link);
    void publish();
    void request_stop();

    [[nodiscard]] bool must_stop() const {
        const std::lock_guard lock(mutex);
        return is_stopping;
    }
    template <class Event>
    void feed(Event event) {
        {
            const std::lock_guard lock(mutex);
            event(watch);
        }
        publish();
    }
    // Under the mutex. Empty: not yet.
    [[nodiscard]] std::optional<result<host_and_port>> answer(std::uint64_t since_round) const;
    [[nodiscard]] error too_late() const;
};

// --- The task ---

void sentinel_locator::state::ring() {
    asio::post(executor, [self = shared_from_this()] {
        self->wake.set();
        if (self->is_running || self->must_stop()) return;
        self->is_running = true;
        auto on_end = [self](const std::exception_ptr& thrown) {
            HEADROOM_ASSERT(!thrown, "the sentinel locator's task throws nothing");
            self->is_running = false;
            self->ended.set();
        };
        asio::co_spawn(self->executor, run(self),
                       asio::bind_cancellation_slot(self->stop_signal.slot(), std::move(on_end)));
    });
}

asio::awaitable<void> sentinel_locator::state::run(std::shared_ptr<state> self) {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!self->must_stop()) {
        self->wake.reset();
        sentinel_watch::step todo;
        self->feed([&todo](sentinel_watch& w) { todo = w.next(clock::now()); });
        if (const auto* to = std::get_if<sentinel_watch::dial>(&todo)) {
            co_await live(self, to->where);
        } else if (const auto* until = std::get_if<sentinel_watch::wait>(&todo)) {
            (void)co_await self->wake.wait(until->until);
        } else {
            (void)co_await self->wake.wait(deadline::max());
        }
    }
}

// One connection, from its dial to its end.
asio::awaitable<void> sentinel_locator::state::live(std::shared_ptr<state> self,
                                                    host_and_port where) {
    endpoint server;
    server.host = where.host;
    server.port = where.port;
    server.username = self->options.where.username;
    server.password = self->options.where.password;
    server.tls = self->options.tls;
    connector opener({.server = std::move(server), .client_name = self->name}, self->group);
    const auto opened = co_await opener.open(clock::now() + self->options.connect_timeout);
    if (!opened) {
        self->feed([&opened](sentinel_watch& w) {
            w.on_disconnected(opened.error().detail, clock::now());
        });
        co_return;
    }
    auto& conn = static_cast<connection&>(**opened);
    const auto link = conn.link();
    self->loss.reset();
    link->set_receiver([self](value&& v) {
        self->feed([&v](sentinel_watch& w) { w.on_value(v, clock::now()); });
        self->wake.set();
    });
    link->on_lost([self](exchange_list, const error& why) {
        self->loss = why;
        self->wake.set();
    });
    if (link->is_lost()) self->loss = error{redis_errc::connect_failed, "it hung up at once"};
    self->feed([&conn](sentinel_watch& w) { w.on_connected(conn.protocol()); });
    co_await self->keep(link);
    link->on_lost(nullptr);
    const auto why = self->loss ? self->loss->detail : std::string("we are stopping");
    const int copy = conn.close();
    if (copy >= 0) (void)co_await net::read_to_end(copy, clock::now() + release_grace);
    self->feed([&why](sentinel_watch& w) { w.on_disconnected(why, clock::now()); });
}

// Until the connection is lost, or of no more use.
asio::awaitable<void> sentinel_locator::state::keep(const std::shared_ptr<wire>& link) {
    while (!loss && !must_stop()) {
        wake.reset();
        sentinel_watch::step todo;
        feed([&todo](sentinel_watch& w) { todo = w.next(clock::now()); });
        if (std::holds_alternative<sentinel_watch::hang_up>(todo)) co_return;
        if (const auto* out = std::get_if<sentinel_watch::send>(&todo)) {
            std::string bytes;
            for (const auto& each : out->what)
                each.encode_to(bytes);
            link->send_unpaired(bytes);
            continue;
        }
        const auto* until = std::get_if<sentinel_watch::wait>(&todo);
        (void)co_await wake.wait(until != nullptr ? until->until : deadline::max());
    }
}

// Tells whoever waits, and of a move first those whose connections it ends.
void sentinel_locator::state::publish() {
    std::vector<std::shared_ptr<move_listener>> to_call;
    {
        const std::lock_guard lock(mutex);
        if (moves_told != watch.moves()) {
            moves_told = watch.moves();
            to_call = listeners;
        }
    }
    for (const auto& each : to_call) {
        const std::lock_guard lock(each->mutex);
        if (each->call) each->call();
    }
    told.notify_all();
    changed.set();
    changed.reset();
}

void sentinel_locator::state::request_stop() {
    {
        const std::lock_guard lock(mutex);
        is_stopping = true;
    }
    told.notify_all();
    wake.set();
    stop_signal.emit(asio::cancellation_type::terminal);
    changed.set();
    changed.reset();
}

// --- Those who ask ---

std::optional<result<host_and_port>> sentinel_locator::state::answer(
    std::uint64_t since_round) const {
    if (is_stopping) return failure(redis_errc::closed, "the sentinel locator was stopped");
    if (auto where = watch.primary()) return std::move(*where);
    if (watch.failed_rounds() == since_round) return std::nullopt;
    return failure(redis_errc::connect_failed, watch.describe_failure());
}

error sentinel_locator::state::too_late() const {
    const std::lock_guard lock(mutex);
    return {redis_errc::connect_failed, "not told in time; " + watch.describe_failure()};
}

sentinel_locator::sentinel_locator(asio::any_io_executor executor, sentinel_locator_options options)
    : state_(std::make_shared<state>(executor, std::move(options))) {}

sentinel_locator::~sentinel_locator() {
    state_->request_stop();
}

asio::awaitable<result<host_and_port>> sentinel_locator::primary(deadline by) {
    const auto held = state_;
    std::uint64_t round = 0;
    {
        const std::lock_guard lock(held->mutex);
        held->watch.on_wanted();
        round = held->watch.failed_rounds();
    }
    for (bool has_rung = false;; has_rung = true) {
        {
            const std::lock_guard lock(held->mutex);
            if (auto told = held->answer(round)) co_return std::move(*told);
        }
        if (!has_rung) held->ring();
        const bool in_time = co_await held->changed.wait(by);
        if (!in_time) co_return std::unexpected(held->too_late());
    }
}

result<host_and_port> sentinel_locator::wait_for_primary(deadline by) {
    auto& self = *state_;
    const auto* loop = self.executor.target<asio::io_context::executor_type>();
    if (loop != nullptr && loop->running_in_this_thread()) {
        return failure(redis_errc::not_allowed,
                       "a blocking question for the primary on the event loop's own thread would "
                       "wait for itself: ask from another thread");
    }
    std::unique_lock lock(self.mutex);
    self.watch.on_wanted();
    const auto round = self.watch.failed_rounds();
    if (!self.answer(round)) self.ring();
    std::optional<result<host_and_port>> told;
    const bool in_time =
        self.told.wait_until(lock, by, [&] { return (told = self.answer(round)).has_value(); });
    if (in_time) return std::move(*told);
    lock.unlock();
    return std::unexpected(self.too_late());
}

void sentinel_locator::on_dial_ended(const host_and_port& where, dial_end how) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->watch.on_dial_ended(where, how, clock::now());
    }
    if (how != dial_end::entered) state_->ring();
}

bool sentinel_locator::has_moved_from(const host_and_port& where) const {
    const std::lock_guard lock(state_->mutex);
    const auto now = state_->watch.primary();
    return now && *now != where;
}

asio::awaitable<void> sentinel_locator::wait_for_move_from(host_and_port where, deadline by) {
    const auto held = state_;
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!has_moved_from(where)) {
        const bool in_time = co_await held->changed.wait(by);
        if (!in_time) co_return;
    }
}

std::shared_ptr<void> sentinel_locator::on_move(std::function<void()> listener) {
    auto entry = std::make_shared<move_listener>();
    entry->call = std::move(listener);
    const std::lock_guard lock(state_->mutex);
    state_->listeners.push_back(entry);
    return {entry.get(), [entry, weak = std::weak_ptr(state_)](void*) {
                {
                    const std::lock_guard called(entry->mutex);
                    entry->call = nullptr;
                }
                if (const auto from = weak.lock()) {
                    const std::lock_guard listed(from->mutex);
                    std::erase(from->listeners, entry);
                }
            }};
}

asio::awaitable<void> sentinel_locator::stop(deadline by) {
    const auto held = state_;
    held->request_stop();
    if (held->is_running) (void)co_await held->ended.wait(by);
}

sentinel_stats sentinel_locator::stats() const {
    const std::lock_guard lock(state_->mutex);
    const auto& of = state_->watch;
    return {of.connected_to(), of.primary(), of.moves(), of.failed_rounds()};
}

}  // namespace headroom::redis
