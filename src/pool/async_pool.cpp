// SPDX-License-Identifier: Apache-2.0
#include "pool/async_pool.hpp"

#include <unistd.h>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "base/assert.hpp"
#include "net/connect.hpp"
#include "net/event.hpp"
#include "net/handler_slot.hpp"
#include "net/task_group.hpp"

namespace headroom::pool {

namespace asio = boost::asio;

namespace {

// A caller in the queue, in the frame of its acquire(). The core knows it by its address.
struct queued {
    waiter_id id;
    net::handler_slot handler;
    asio::cancellation_slot cancellation;
    std::optional<slot_id> granted;
    refusal refused = refusal::closed;
    queued* next_ready = nullptr;
};

struct held_connection {
    std::unique_ptr<connection> open;
    bool leased = false;
    bool cut = false;  // by the drain, under its lease: closed when the lease ends
};

}  // namespace

struct async_pool::state : std::enable_shared_from_this<state> {
    state(const asio::any_io_executor& on, async_pool_options given, connector& with)
        : executor(on),
          options(std::move(given)),
          opener(with),
          core(options.bounds),
          timer(on),
          opens(on),
          closes(on),
          drained(on) {}

    asio::any_io_executor executor;
    const async_pool_options options;
    connector& opener;
    pool_core core;
    asio::steady_timer timer;
    net::task_group opens;
    net::task_group closes;
    net::event drained;

    std::vector<held_connection> connections;  // by slot index
    std::uint32_t leases_out = 0;
    std::optional<error> last_open_error;
    actions pending;
    actions working;
    bool performing = false;
    queued* ready_first = nullptr;
    queued* ready_last = nullptr;
    bool resume_posted = false;
    std::function<void()> pressure;
    bool pressure_posted = false;
    bool gone = false;  // the pool is destroyed

    // Carries out what the core wants. Events that happen meanwhile add to `pending` and are taken
    // in turn.
    void perform() {
        if (performing) return;
        performing = true;
        while (!pending.empty()) {
            working.swap(pending);
            for (const auto& each : working) {
                std::visit([this](const auto& one) { act(one); }, each);
            }
            working.clear();
        }
        performing = false;
        if (core.is_drained()) drained.set();
        tell_pressure();
    }

    void act(const open_connection& what) {
        opens.spawn("open " + options.kind, open(shared_from_this(), what.slot));
    }

    void act(const grant& what) {
        auto& waiter = *reinterpret_cast<queued*>(what.waiter);
        waiter.granted = what.slot;
        make_ready(waiter);
    }

    void act(const refuse& what) {
        auto& waiter = *reinterpret_cast<queued*>(what.waiter);
        waiter.refused = what.why;
        make_ready(waiter);
    }

    void act(const close_connection& what) {
        auto& held = connections[what.slot.index];
        if (what.why == close_reason::drain_forced) {
            held.cut = true;
            held.open->abort();
            return;
        }
        // The cap protects the server that is dialled, and that is another one now: nobody waits
        // for the former one, which may be dead, to let go.
        if (what.why == close_reason::retired) return drop(what.slot, std::move(held.open));
        close(what.slot, std::move(held.open));
    }

    void act(const cut_lease& what) { connections[what.slot.index].open->abort(); }

    void act(const abandon&) {}  // the watch of the closing socket ends by its own deadline

    void act(const peek& what) {
        const auto& held = connections[what.slot.index];
        if (held.leased || !held.open || held.open->is_alive()) return;
        core.broken(what.slot, clock::now(), pending);
    }

    void act(const wake_at& what) {
        timer.expires_at(what.when);
        timer.async_wait([self = shared_from_this()](boost::system::error_code ec) {
            if (ec || self->gone) return;
            self->core.tick(clock::now(), self->pending);
            self->perform();
        });
    }

    void close(slot_id slot, std::unique_ptr<connection> closing) {
        const int descriptor = closing->close();
        closing.reset();
        if (descriptor < 0) {
            core.released_by_server(slot, clock::now(), pending);
            return;
        }
        closes.spawn("close " + options.kind, watch(shared_from_this(), slot, descriptor));
    }

    void drop(slot_id slot, std::unique_ptr<connection> closing) {
        const int descriptor = closing->close();
        if (descriptor >= 0) ::close(descriptor);
        core.released_by_server(slot, clock::now(), pending);
    }

    static asio::awaitable<void> open(std::shared_ptr<state> self, slot_id slot) {
        auto opened = co_await self->opener.open(clock::now() + self->options.open_timeout);
        const auto now = clock::now();
        if (opened) {
            self->last_open_error.reset();
            if (self->connections.size() <= slot.index) self->connections.resize(slot.index + 1);
            self->connections[slot.index] = {.open = std::move(*opened)};
            self->core.opened(slot, now, self->pending);
        } else {
            self->last_open_error = opened.error();
            self->core.open_failed(slot, self->opener.classify(opened.error()), now, self->pending);
        }
        self->perform();
    }

    static asio::awaitable<void> watch(std::shared_ptr<state> self, slot_id slot, int descriptor) {
        const bool let_go =
            co_await net::read_to_end(descriptor, clock::now() + self->options.bounds.close_grace);
        if (!let_go) co_return;  // the core abandons the slot by its own clock
        self->core.released_by_server(slot, clock::now(), self->pending);
        self->perform();
    }

    // Waiters are resumed from the event loop, all that are ready at once: user code never runs
    // inside an event.
    void make_ready(queued& waiter) {
        (ready_last == nullptr ? ready_first : ready_last->next_ready) = &waiter;
        ready_last = &waiter;
        if (std::exchange(resume_posted, true)) return;
        asio::post(executor, [self = shared_from_this()] { self->resume_ready(); });
    }

    void resume_ready() {
        resume_posted = false;
        auto* next = std::exchange(ready_first, nullptr);
        ready_last = nullptr;
        while (next != nullptr) {
            auto& waiter = *next;
            next = waiter.next_ready;
            waiter.cancellation.clear();
            waiter.handler.complete();  // `waiter` is gone after this
        }
    }

    void tell_pressure() {
        const auto& now = core.stats();
        const bool pressed = now.waiting > 0 && now.cap && now.size() >= *now.cap;
        if (!pressed || !pressure || std::exchange(pressure_posted, true)) return;
        asio::post(executor, [self = shared_from_this()] {
            self->pressure_posted = false;
            if (!self->gone && self->pressure) self->pressure();
        });
    }

    // An idle connection is peeked at before it is handed out: a dead one costs no round trip and
    // no error.
    std::optional<slot_id> take_idle(owner_id owner) {
        while (const auto newest = core.newest_idle()) {
            if (connections[newest->index].open->is_alive()) return core.try_acquire(owner);
            core.broken(*newest, clock::now(), pending);
            perform();
        }
        return std::nullopt;
    }

    [[nodiscard]] connection* hand_out(slot_id slot) {
        auto& held = connections[slot.index];
        held.leased = true;
        ++leases_out;
        return held.open.get();
    }
};

async_pool::async_pool(asio::any_io_executor executor, async_pool_options options,
                       connector& opener)
    : state_(std::make_shared<state>(executor, std::move(options), opener)) {
    state_->core.tick(clock::now(), state_->pending);
    state_->perform();
}

async_pool::~async_pool() {
    const auto& now = state_->core.stats();
    HEADROOM_ASSERT(
        state_->leases_out == 0 && now.leased == 0 && now.waiting == 0 && now.opening == 0,
        "a pool is destroyed while in use; drain it first: " +
            describe(state_->core, state_->options.kind, state_->last_open_error));
    state_->gone = true;
    state_->timer.cancel();
    // Watches of closing sockets hold the state and end by themselves.
    state_->opens.let_go();
    state_->closes.let_go();
    for (auto& each : state_->connections) {
        if (each.open) each.open->abort();
    }
    state_->connections.clear();
}

owner_id async_pool::owner(std::string_view name) {
    return state_->core.owner(name);
}

std::optional<lease> async_pool::try_acquire(owner_id owner) {
    const auto slot = state_->take_idle(owner);
    if (!slot) return std::nullopt;
    return lease(this, *slot, state_->hand_out(*slot));
}

asio::awaitable<result<lease>> async_pool::acquire(owner_id owner, deadline by) {
    if (auto now = try_acquire(owner)) co_return std::move(*now);

    const auto self = state_;
    queued waiter;
    const auto enter = [&self, &waiter, owner, by](auto handler) {
        waiter.cancellation = asio::get_associated_cancellation_slot(handler);
        waiter.handler.emplace(std::move(handler));
        waiter.id = self->core.acquire(owner, reinterpret_cast<waiter_tag>(&waiter), by,
                                       clock::now(), self->pending);
        if (waiter.cancellation.is_connected()) {
            waiter.cancellation.assign([pool = self.get(), &waiter](asio::cancellation_type) {
                pool->core.cancel(waiter.id, clock::now(), pool->pending);
                pool->perform();
            });
        }
        self->perform();
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(enter,
                                                                         asio::use_awaitable);

    if (waiter.granted) co_return lease(this, *waiter.granted, self->hand_out(*waiter.granted));
    co_return failure(to_errc(waiter.refused),
                      describe(self->core, self->options.kind, self->last_open_error));
}

void async_pool::resize(std::optional<std::uint32_t> cap, std::uint32_t floor) {
    state_->core.resize(cap, floor, clock::now(), state_->pending);
    state_->perform();
}

void async_pool::retire_connections() {
    state_->core.retire(clock::now(), state_->pending);
    state_->perform();
}

void async_pool::replace_connections() {
    state_->core.end_lifetimes(clock::now(), state_->pending);
    state_->perform();
}

void async_pool::take_back(slot_id slot, bool reusable) noexcept {
    auto& self = *state_;
    auto& held = self.connections[slot.index];
    held.leased = false;
    --self.leases_out;
    if (std::exchange(held.cut, false)) {
        self.close(slot, std::move(held.open));
    } else {
        self.core.returned(slot, reusable, clock::now(), self.pending);
    }
    self.perform();
}

clock::time_point async_pool::lifetime_end(slot_id slot) const {
    return state_->core.lifetime_end(slot);
}

asio::awaitable<result<void>> async_pool::drain(deadline by) {
    const auto self = state_;
    self->core.drain(by, clock::now(), self->pending);
    self->perform();
    self->opens.request_stop();

    const auto last = std::max(by, clock::now()) + 2 * self->options.bounds.close_grace;
    const bool empty = co_await self->drained.wait(last);
    (void)co_await self->closes.join(last);
    (void)co_await self->opens.join(last);
    if (!empty || self->leases_out > 0) {
        co_return failure(pool_errc::timeout,
                          "not drained: " + describe(self->core, self->options.kind, std::nullopt));
    }
    co_return result<void>{};
}

const pool_stats& async_pool::stats() const {
    return state_->core.stats();
}
const std::vector<owner_usage>& async_pool::owners() const {
    return state_->core.owners();
}
const std::string& async_pool::kind() const {
    return state_->options.kind;
}
const std::optional<error>& async_pool::last_open_error() const {
    return state_->last_open_error;
}
void async_pool::on_pressure(std::function<void()> listener) {
    state_->pressure = std::move(listener);
}

}  // namespace headroom::pool
