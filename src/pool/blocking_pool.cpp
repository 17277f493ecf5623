// SPDX-License-Identifier: Apache-2.0
#include "pool/blocking_pool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/assert.hpp"

namespace headroom::pool {

namespace {

// A thread in the queue, on its own stack. The core knows it by its address.
struct queued {
    std::condition_variable ended;
    bool done = false;
    std::optional<slot_id> granted;
    refusal refused = refusal::closed;
};

struct held_connection {
    std::unique_ptr<blocking_connection> open;
    bool cut = false;  // by the drain, under its lease: closed when the lease ends
};

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
    std::thread worker;  // opens, closes, ticks; started at the first need

    // Only the worker's.
    std::vector<watched> closing;
    std::array<int, 2> bell{-1, -1};  // a pipe that wakes the worker from poll()

    // Carries out what the core wants, as far as that needs no waiting; the rest is the worker's.
    void perform() {
        bool ring = false;
        for (std::size_t i = 0; i < pending.size(); ++i) {
            ring |= std::visit([this](const auto& one) { return act(one); }, pending[i]);
        }
        pending.clear();
        if (ring) ring_bell();
        changed.notify_all();
    }

    // Each returns whether the worker has something to do.
    bool act(const open_connection& what) {
        to_open.push_back(what.slot);
        return true;
    }
    bool act(const grant& what) {
        auto& waiter = *reinterpret_cast<queued*>(what.waiter);
        waiter.granted = what.slot;
        waiter.done = true;
        waiter.ended.notify_one();
        return false;
    }
    bool act(const refuse& what) {
        auto& waiter = *reinterpret_cast<queued*>(what.waiter);
        waiter.refused = what.why;
        waiter.done = true;
        waiter.ended.notify_one();
        return false;
    }
    bool act(const close_connection& what) {
        auto& held = connections[what.slot.index];
        if (what.why == close_reason::drain_forced) {
            held.cut = true;
            held.open->abort();
            return false;
        }
        to_close.emplace_back(what.slot, std::move(held.open));
        return true;
    }
    bool act(const cut_lease& what) {
        connections[what.slot.index].open->abort();
        return false;
    }
    bool act(const abandon&) { return false; }
    bool act(const peek& what) {
        const auto& open = connections[what.slot.index].open;
        if (open && !open->is_alive()) core.broken(what.slot, clock::now(), pending);
        return false;
    }
    bool act(const wake_at& what) {
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
                perform();
            }
            if (stopping || !to_open.empty() || !to_close.empty()) continue;
            const auto by = wake;
            lock.unlock();
            auto released = wait_for_bell_or_end(by);
            lock.lock();
            for (const auto slot : released)
                core.released_by_server(slot, clock::now(), pending);
            perform();
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
            connections[slot.index] = {.open = std::move(*opened)};
            core.opened(slot, clock::now(), pending);
        } else {
            last_open_error = opened.error();
            core.open_failed(slot, opener.classify(opened.error()), clock::now(), pending);
        }
        perform();
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
            perform();
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

    // An idle connection is peeked at before it is handed out.
    std::optional<slot_id> take_idle(owner_id owner) {
        while (const auto newest = core.newest_idle()) {
            if (connections[newest->index].open->is_alive()) return core.try_acquire(owner);
            core.broken(*newest, clock::now(), pending);
            perform();
        }
        return std::nullopt;
    }

    [[nodiscard]] blocking_connection* hand_out(slot_id slot) {
        ++leases_out;
        return connections[slot.index].open.get();
    }
};

blocking_pool::blocking_pool(blocking_pool_options options, blocking_connector& opener)
    : state_(std::make_unique<state>(std::move(options), opener)) {
    const std::lock_guard lock(state_->mutex);
    state_->core.tick(clock::now(), state_->pending);
    state_->perform();
}

blocking_pool::~blocking_pool() {
    auto& self = *state_;
    (void)drain(clock::now());
    {
        const std::lock_guard lock(self.mutex);
        HEADROOM_ASSERT(self.leases_out == 0,
                        "a pool is destroyed while leased: " +
                            describe(self.core, self.options.kind, std::nullopt));
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
    if (const auto slot = self.take_idle(owner))
        return blocking_lease(this, *slot, self.hand_out(*slot));

    queued waiter;
    self.core.acquire(owner, reinterpret_cast<waiter_tag>(&waiter), by, clock::now(), self.pending);
    self.perform();
    // The core ends the wait. At the deadline this thread ticks itself: the worker may be busy
    // opening.
    while (!waiter.done) {
        if (by == deadline::max()) {
            waiter.ended.wait(lock);
        } else if (waiter.ended.wait_until(lock, by) == std::cv_status::timeout && !waiter.done) {
            self.core.tick(clock::now(), self.pending);
            self.perform();
        }
    }
    if (waiter.granted)
        return blocking_lease(this, *waiter.granted, self.hand_out(*waiter.granted));
    return failure(to_errc(waiter.refused),
                   describe(self.core, self.options.kind, self.last_open_error));
}

void blocking_pool::take_back(slot_id slot, bool reusable) noexcept {
    auto& self = *state_;
    const std::lock_guard lock(self.mutex);
    --self.leases_out;
    auto& held = self.connections[slot.index];
    if (std::exchange(held.cut, false)) {
        self.to_close.emplace_back(slot, std::move(held.open));
        self.ring_bell();
    } else {
        self.core.returned(slot, reusable, clock::now(), self.pending);
    }
    self.perform();
}

void blocking_pool::resize(std::optional<std::uint32_t> cap, std::uint32_t floor) {
    const std::lock_guard lock(state_->mutex);
    state_->core.resize(cap, floor, clock::now(), state_->pending);
    state_->perform();
}

void blocking_pool::retire_connections() {
    const std::lock_guard lock(state_->mutex);
    state_->core.retire(clock::now(), state_->pending);
    state_->perform();
}

result<void> blocking_pool::drain(deadline by) {
    auto& self = *state_;
    std::unique_lock lock(self.mutex);
    self.core.drain(by, clock::now(), self.pending);
    self.perform();
    const auto last = std::max(by, clock::now()) + 2 * self.options.bounds.close_grace;
    const bool empty = self.changed.wait_until(
        lock, last, [&self] { return self.core.is_drained() && self.leases_out == 0; });
    if (!empty)
        return failure(pool_errc::timeout,
                       "not drained: " + describe(self.core, self.options.kind, std::nullopt));
    return {};
}

pool_stats blocking_pool::stats() const {
    const std::lock_guard lock(state_->mutex);
    return state_->core.stats();
}

std::vector<owner_usage> blocking_pool::owners() const {
    const std::lock_guard lock(state_->mutex);
    return state_->core.owners();
}

const std::string& blocking_pool::kind() const {
    return state_->options.kind;
}

}  // namespace headroom::pool
