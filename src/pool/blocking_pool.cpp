// SPDX-License-Identifier: Apache-2.0
#include "pool/blocking_pool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <mutex>
#include <thread>

#include "base/assert.hpp"
#include "pool/parked_thread.hpp"

namespace headroom::pool {

namespace {

// How often a thread steps aside before it joins the queue. Whoever holds a connection and was
// suspended gets to give it back; with a queue each connection would go to a sleeping thread, and
// each cycle would cost a switch (measured: 1,960 ns a cycle instead of 120).
constexpr int yields_before_queue = 8;
// A connection used so lately is handed out without a peek: the peek costs more than the rest.
constexpr auto peek_after = std::chrono::milliseconds(20);
// One use in so many is timed: two reads of the exact clock cost as much as the lease itself.
constexpr std::uint32_t use_sample = 64;

// A thread in the queue, on its own stack. The core knows it by its address.
struct queued {
    static constexpr parked_thread::word ended = 1;
    parked_thread thread;
    std::optional<slot_id> granted;
    blocking_connection* connection = nullptr;
    refusal refused = refusal::closed;
};

struct held_connection {
    std::unique_ptr<blocking_connection> open;
    bool cut = false;                  // by the drain, under its lease: closed when the lease ends
    clock::time_point idle_since{};    // by the coarse clock
    clock::time_point leased_since{};  // where the use is timed
};

// A tick late at most (4 ms), for a quarter of the cost.
clock::time_point coarse_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return clock::time_point(std::chrono::seconds(now.tv_sec) +
                             std::chrono::nanoseconds(now.tv_nsec));
}

// A closed connection whose server has not let go yet.
struct watched {
    slot_id slot;
    int descriptor;
    deadline until;
};

// True when `descriptor` has been read to its end. Never blocks.
bool is_at_end(int descriptor) {
    std::array<char, 4096> discarded;
    for (;;) {
        const auto bytes = ::read(descriptor, discarded.data(), discarded.size());
        if (bytes > 0) continue;
        return bytes == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    }
}

}  // namespace

struct blocking_pool::state {
    state(blocking_pool_options given, blocking_connector& with)
        : options(std::move(given)), opener(with), core(options.bounds) {}

    const blocking_pool_options options;
    blocking_connector& opener;

    mutable std::mutex mutex;
    std::condition_variable changed;  // for drain()

    // Guarded by mutex.
    pool_core core;
    std::vector<held_connection> connections;  // by slot index
    std::uint32_t leases_out = 0;
    std::optional<error> last_open_error;
    actions pending;
    std::deque<slot_id> to_open;
    std::deque<std::pair<slot_id, std::unique_ptr<blocking_connection>>> to_close;
    deadline wake = deadline::max();
    bool stopping = false;
    std::thread worker;            // opens, closes, ticks; started at the first need
    std::uint32_t handed_out = 0;  // wraps; for sampling
    std::array<std::uint64_t, wait_buckets> uses{};

    std::atomic<bool> has_waiters{false};  // written under the mutex

    // Only the worker's.
    std::vector<watched> closing;
    std::array<int, 2> bell{-1, -1};  // a pipe that wakes the worker from poll()

    // Carries out what the core wants, as far as that needs no waiting; the rest is the worker's.
    // Whom it must wake is returned where that is one thread, so that the caller can do it after
    // the lock; further ones are woken here.
    parked_thread::sleeper perform() {
        bool ring = false;
        parked_thread::sleeper last;
        for (std::size_t i = 0; i < pending.size(); ++i) {
            ring |= std::visit([&](const auto& one) { return act(one, last); }, pending[i]);
        }
        pending.clear();
        if (ring) ring_bell();
        has_waiters.store(core.stats().waiting > 0, std::memory_order_relaxed);
        if (core.is_draining()) changed.notify_all();
        return last;
    }
    void perform_and_wake() { perform().wake(); }

    // Each returns whether the worker has something to do.
    bool act(const open_connection& what, parked_thread::sleeper&) {
        to_open.push_back(what.slot);
        return true;
    }
    bool act(const grant& what, parked_thread::sleeper& last) {
        auto& waiter = *reinterpret_cast<queued*>(what.waiter);
        waiter.granted = what.slot;
        waiter.connection = hand_out(what.slot);
        last.wake();
        last = waiter.thread.tell(queued::ended);
        return false;
    }
    bool act(const refuse& what, parked_thread::sleeper& last) {
        auto& waiter = *reinterpret_cast<queued*>(what.waiter);
        waiter.refused = what.why;
        last.wake();
        last = waiter.thread.tell(queued::ended);
        return false;
    }
    bool act(const close_connection& what, parked_thread::sleeper&) {
        auto& held = connections[what.slot.index];
        if (what.why == close_reason::drain_forced) {
            held.cut = true;
            held.open->abort();
            return false;
        }
        to_close.emplace_back(what.slot, std::move(held.open));
        return true;
    }
    bool act(const cut_lease& what, parked_thread::sleeper&) {
        connections[what.slot.index].open->abort();
        return false;
    }
    bool act(const abandon&, parked_thread::sleeper&) { return false; }
    bool act(const peek& what, parked_thread::sleeper&) {
        const auto& open = connections[what.slot.index].open;
        if (open && !open->is_alive()) core.broken(what.slot, clock::now(), pending);
        return false;
    }
    bool act(const wake_at& what, parked_thread::sleeper&) {
        wake = what.when;
        return true;
    }

    void ring_bell() {
        if (!worker.joinable()) {
            HEADROOM_ASSERT(::pipe2(bell.data(), O_CLOEXEC | O_NONBLOCK) == 0,
                            "a pipe can be made");
            worker = std::thread([this] { work(); });
        }
        const char ring = 1;
        (void)!::write(bell[1], &ring, 1);  // a full pipe has woken the worker already
    }

    void work() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            while (!to_open.empty())
                open_next(lock);
            while (!to_close.empty())
                close_next(lock);
            if (wake <= clock::now()) {
                wake = deadline::max();
                core.tick(clock::now(), pending);
                perform_and_wake();
            }
            if (stopping || !to_open.empty() || !to_close.empty()) continue;
            const auto by = wake;
            lock.unlock();
            auto released = wait_for_bell_or_end(by);
            lock.lock();
            for (const auto slot : released)
                core.released_by_server(slot, clock::now(), pending);
            perform_and_wake();
        }
        lock.unlock();
        for (const auto& each : closing)
            ::close(each.descriptor);
        closing.clear();
    }

    void open_next(std::unique_lock<std::mutex>& lock) {
        const auto slot = to_open.front();
        to_open.pop_front();
        lock.unlock();
        auto opened = opener.open(clock::now() + options.open_timeout);
        lock.lock();
        if (opened) {
            last_open_error.reset();
            if (connections.size() <= slot.index) connections.resize(slot.index + 1);
            connections[slot.index] = {.open = std::move(*opened), .idle_since = coarse_now()};
            core.opened(slot, clock::now(), pending);
        } else {
            last_open_error = opened.error();
            core.open_failed(slot, opener.classify(opened.error()), clock::now(), pending);
        }
        perform_and_wake();
    }

    void close_next(std::unique_lock<std::mutex>& lock) {
        auto [slot, connection] = std::move(to_close.front());
        to_close.pop_front();
        lock.unlock();
        const int descriptor = connection->close();
        connection.reset();
        lock.lock();
        if (descriptor < 0) {
            core.released_by_server(slot, clock::now(), pending);
            perform_and_wake();
            return;
        }
        ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
        closing.push_back({slot, descriptor, clock::now() + options.bounds.close_grace});
    }

    // Runs without the lock. Returns the slots whose server has let go.
    std::vector<slot_id> wait_for_bell_or_end(deadline by) {
        std::vector<pollfd> polled{{bell[0], POLLIN, 0}};
        for (const auto& each : closing) {
            polled.push_back({each.descriptor, POLLIN, 0});
            by = std::min(by, each.until);
        }
        int timeout = -1;
        if (by != deadline::max()) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(by - clock::now()).count();
            timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
        }
        (void)::poll(polled.data(), polled.size(), timeout);
        (void)is_at_end(bell[0]);  // empties the bell

        std::vector<slot_id> released;
        std::erase_if(closing, [&](const watched& each) {
            const bool ended = is_at_end(each.descriptor);
            if (ended) released.push_back(each.slot);
            const bool give_up =
                !ended && each.until <= clock::now();  // the core abandons it by its own clock
            if (ended || give_up) ::close(each.descriptor);
            return ended || give_up;
        });
        return released;
    }

    // An idle connection is peeked at before it is handed out, unless it was used just now.
    std::optional<slot_id> take_idle(owner_id owner) {
        while (const auto newest = core.newest_idle()) {
            auto& held = connections[newest->index];
            if (coarse_now() - held.idle_since < peek_after || held.open->is_alive())
                return core.try_acquire(owner);
            core.broken(*newest, clock::now(), pending);
            perform_and_wake();
        }
        return std::nullopt;
    }

    [[nodiscard]] blocking_connection* hand_out(slot_id slot) {
        ++leases_out;
        auto& held = connections[slot.index];
        held.leased_since =
            ++handed_out % use_sample == 0 ? clock::now() : clock::time_point::min();
        return held.open.get();
    }

    void note_use(held_connection& held) {
        if (held.leased_since == clock::time_point::min()) return;
        const auto micros =
            std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - held.leased_since)
                .count();
        const auto bucket =
            static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(micros)));
        ++uses[std::min(bucket, wait_buckets - 1)];
    }

    // Only connections that are all in use can be worth stepping aside for. A queue does not
    // hinder: it gets what comes back first, and empties while nobody joins it.
    [[nodiscard]] bool is_full() const {
        const auto& now = core.stats();
        return now.cap && now.leased >= *now.cap;
    }
};

blocking_pool::blocking_pool(blocking_pool_options options, blocking_connector& opener)
    : state_(std::make_unique<state>(std::move(options), opener)) {
    const std::lock_guard lock(state_->mutex);
    state_->core.tick(clock::now(), state_->pending);
    state_->perform_and_wake();
}

blocking_pool::~blocking_pool() {
    auto& self = *state_;
    (void)drain(clock::now());
    {
        const std::lock_guard lock(self.mutex);
        HEADROOM_ASSERT(self.leases_out == 0,
                        "a pool is destroyed while leased: " +
                            pool::describe(self.core, self.options.kind, std::nullopt));
        self.stopping = true;
        if (self.worker.joinable()) self.ring_bell();
    }
    if (self.worker.joinable()) self.worker.join();
    for (const int each : self.bell) {
        if (each >= 0) ::close(each);
    }
}

owner_id blocking_pool::owner(std::string_view name) {
    const std::lock_guard lock(state_->mutex);
    return state_->core.owner(name);
}

result<blocking_lease> blocking_pool::acquire(owner_id owner, deadline by) {
    auto& self = *state_;
    std::unique_lock lock(self.mutex);
    for (int turns = 0;; ++turns) {
        if (const auto slot = self.take_idle(owner))
            return blocking_lease(this, *slot, self.hand_out(*slot));
        if (turns == yields_before_queue || !self.is_full()) break;
        lock.unlock();
        ::sched_yield();
        lock.lock();
    }

    queued waiter;
    self.core.acquire(owner, reinterpret_cast<waiter_tag>(&waiter), by, clock::now(), self.pending);
    self.perform_and_wake();
    lock.unlock();
    // The core ends the wait. At the deadline this thread ticks itself: the worker may be busy
    // opening.
    while (waiter.thread.wait(by) != queued::ended) {
        lock.lock();
        self.core.tick(clock::now(), self.pending);
        self.perform_and_wake();
        lock.unlock();
    }
    if (waiter.granted) return blocking_lease(this, *waiter.granted, waiter.connection);
    lock.lock();
    return failure(to_errc(waiter.refused),
                   pool::describe(self.core, self.options.kind, self.last_open_error));
}

std::optional<blocking_lease> blocking_pool::try_acquire(owner_id owner) {
    auto& self = *state_;
    const std::lock_guard lock(self.mutex);
    const auto slot = self.take_idle(owner);
    if (!slot) return std::nullopt;
    return blocking_lease(this, *slot, self.hand_out(*slot));
}

void blocking_pool::open_ahead() {
    auto& self = *state_;
    const std::lock_guard lock(self.mutex);
    self.core.open_ahead(clock::now(), self.pending);
    self.perform_and_wake();
}

bool blocking_pool::has_waiters() const {
    return state_->has_waiters.load(std::memory_order_relaxed);
}

void blocking_pool::take_back(slot_id slot, bool reusable) noexcept {
    auto& self = *state_;
    parked_thread::sleeper next;
    {
        const std::lock_guard lock(self.mutex);
        --self.leases_out;
        auto& held = self.connections[slot.index];
        self.note_use(held);
        if (std::exchange(held.cut, false)) {
            self.to_close.emplace_back(slot, std::move(held.open));
            self.ring_bell();
        } else {
            // Waits are measured by the exact clock; where nobody waits, a coarse one will do.
            const auto now = self.core.stats().waiting > 0 ? clock::now() : coarse_now();
            held.idle_since = now;
            self.core.returned(slot, reusable, now, self.pending);
        }
        next = self.perform();
    }
    next.wake();
}

void blocking_pool::resize(std::optional<std::uint32_t> cap, std::uint32_t floor) {
    const std::lock_guard lock(state_->mutex);
    state_->core.resize(cap, floor, clock::now(), state_->pending);
    state_->perform_and_wake();
}

void blocking_pool::retire_connections() {
    const std::lock_guard lock(state_->mutex);
    state_->core.retire(clock::now(), state_->pending);
    state_->perform_and_wake();
}

void blocking_pool::replace_connections() {
    const std::lock_guard lock(state_->mutex);
    state_->core.end_lifetimes(clock::now(), state_->pending);
    state_->perform_and_wake();
}

result<void> blocking_pool::drain(deadline by) {
    auto& self = *state_;
    std::unique_lock lock(self.mutex);
    self.core.drain(by, clock::now(), self.pending);
    self.perform_and_wake();
    const auto last = std::max(by, clock::now()) + 2 * self.options.bounds.close_grace;
    const bool empty = self.changed.wait_until(
        lock, last, [&self] { return self.core.is_drained() && self.leases_out == 0; });
    if (!empty)
        return failure(
            pool_errc::timeout,
            "not drained: " + pool::describe(self.core, self.options.kind, std::nullopt));
    return {};
}

pool_stats blocking_pool::stats() const {
    const std::lock_guard lock(state_->mutex);
    auto now = state_->core.stats();
    now.uses = state_->uses;
    return now;
}

std::vector<owner_usage> blocking_pool::owners() const {
    const std::lock_guard lock(state_->mutex);
    return state_->core.owners();
}

const std::string& blocking_pool::kind() const {
    return state_->options.kind;
}

std::string blocking_pool::describe() const {
    const std::lock_guard lock(state_->mutex);
    return pool::describe(state_->core, state_->options.kind, state_->last_open_error);
}

}  // namespace headroom::pool
