// SPDX-License-Identifier: Apache-2.0
#include "pool/core/pool_core.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.hpp"

namespace headroom::pool {

namespace {

bool later(clock::time_point a, clock::time_point b) {
    return a > b;
}

}  // namespace

std::string_view to_string(refusal why) {
    switch (why) {
        case refusal::timeout:
            return "timeout";
        case refusal::cancelled:
            return "cancelled";
        case refusal::queue_full:
            return "queue_full";
        case refusal::open_failed:
            return "open_failed";
        case refusal::closed:
            return "closed";
    }
    return "unknown";
}

std::string_view to_string(close_reason why) {
    switch (why) {
        case close_reason::broken:
            return "broken";
        case close_reason::went_away:
            return "went_away";
        case close_reason::idle:
            return "idle";
        case close_reason::lifetime:
            return "lifetime";
        case close_reason::over_cap:
            return "over_cap";
        case close_reason::retired:
            return "retired";
        case close_reason::drained:
            return "drained";
        case close_reason::drain_forced:
            return "drain_forced";
    }
    return "unknown";
}

pool_core::pool_core(limits l) : limits_(l), jitter_(l.seed) {
    HEADROOM_ASSERT(!l.cap || *l.cap > 0, "a pool's cap is at least 1");
    HEADROOM_ASSERT(!l.cap || l.floor <= *l.cap, "a pool's floor is at most its cap");
    HEADROOM_ASSERT(l.opens_max > 0, "a pool opens at least one connection at once");
    stats_.cap = l.cap;
    stats_.floor = l.floor;
}

owner_id pool_core::owner(std::string_view name) {
    const auto at = std::ranges::find(owners_, name, &owner_usage::name);
    const auto index = static_cast<std::size_t>(at - owners_.begin());
    if (at == owners_.end()) {
        HEADROOM_ASSERT(owners_.size() < UINT16_MAX, "a pool has at most 65,535 owners");
        owners_.push_back({.name = std::string(name)});
    }
    return static_cast<owner_id>(index);
}

// --- Events of callers ---

std::optional<slot_id> pool_core::newest_idle() const {
    if (idle_newest_ == none) return std::nullopt;
    return id_of(idle_newest_);
}

std::optional<slot_id> pool_core::try_acquire(owner_id owner) {
    if (idle_newest_ == none) return std::nullopt;
    const auto index = idle_newest_;
    ++stats_.acquires;
    unlink_idle(index);
    lease_to(index, owner);
    return id_of(index);
}

waiter_id pool_core::acquire(owner_id owner, waiter_tag tag, deadline by, clock::time_point now,
                             actions& out) {
    constexpr waiter_id ended{none, 0};
    ++stats_.acquires;
    const auto refuse_now = [&](refusal why) {
        ++stats_.refused[static_cast<std::size_t>(why)];
        out.emplace_back(refuse{tag, why});
        return ended;
    };
    if (draining_) return refuse_now(refusal::closed);
    if (by <= now) return refuse_now(refusal::timeout);
    if (idle_newest_ != none) {
        const auto index = idle_newest_;
        unlink_idle(index);
        lease_to(index, owner);
        out.emplace_back(grant{tag, id_of(index)});
        return ended;
    }
    // After a wrong password nobody waits for the next try unless a connection is still there to be
    // waited for.
    if (failed_permanently_ && is_unreachable() && now < open_not_before_)
        return refuse_now(refusal::open_failed);
    if (stats_.waiting >= limits_.waiters_max) return refuse_now(refusal::queue_full);

    const auto waiter = enqueue(owner, tag, by, now);
    want_wake(by, out);
    settle(now, out);
    return waiter;
}

bool pool_core::cancel(waiter_id waiter, clock::time_point now, actions& out) {
    if (!is_waiting(waiter)) return false;
    end_refused(waiter.index, refusal::cancelled, out);
    settle(now, out);
    return true;
}

void pool_core::returned(slot_id slot, bool reusable, clock::time_point now, actions& out) {
    if (!is_current(slot, slot_state::leased)) return;  // cut by the drain
    if (draining_) {
        close(slot.index, close_reason::drained, now, out);
    } else if (slots_[slot.index].is_retired) {
        close(slot.index, close_reason::retired, now, out);
    } else if (!reusable) {
        close(slot.index, close_reason::broken, now, out);
    } else if (is_over_cap()) {
        close(slot.index, close_reason::over_cap, now, out);
    } else if (slots_[slot.index].retire_at <= now) {
        close(slot.index, close_reason::lifetime, now, out);
    } else {
        serve(slot.index, now, out);
    }
    settle(now, out);
}

void pool_core::open_ahead(clock::time_point now, actions& out) {
    const bool is_served = stats_.waiting + stats_.idle + stats_.opening > 0;
    if (draining_ || is_served || !has_room() || now < open_not_before_) return;
    begin_open(out);
}

// --- Events of connections ---

void pool_core::opened(slot_id slot, clock::time_point now, actions& out) {
    HEADROOM_ASSERT(is_current(slot, slot_state::opening),
                    "opened() for a slot that is not opening");
    ++stats_.opened;
    failures_in_a_row_ = 0;
    failed_permanently_ = false;
    open_not_before_ = clock::time_point::min();
    slots_[slot.index].retire_at = limits_.lifetime == clock::duration::zero()
                                       ? clock::time_point::max()
                                       : now + jittered(limits_.lifetime);
    if (draining_) {
        close(slot.index, close_reason::drained, now, out);
    } else if (is_over_cap()) {
        close(slot.index, close_reason::over_cap, now, out);
    } else {
        serve(slot.index, now, out);
    }
    settle(now, out);
}

void pool_core::open_failed(slot_id slot, open_failure kind, clock::time_point now, actions& out) {
    HEADROOM_ASSERT(is_current(slot, slot_state::opening),
                    "open_failed() for a slot that is not opening");
    ++stats_.opens_failed;
    ++failures_in_a_row_;
    open_not_before_ = now + backoff();
    free_slot(slot.index);
    // The latest failure counts: a server that went away after a wrong password may come back.
    failed_permanently_ = kind == open_failure::permanent;
    if (failed_permanently_ && is_unreachable()) refuse_all(refusal::open_failed, out);
    settle(now, out);
}

void pool_core::broken(slot_id slot, clock::time_point now, actions& out) {
    if (!is_current(slot, slot_state::idle)) return;
    unlink_idle(slot.index);
    close(slot.index, close_reason::went_away, now, out);
    settle(now, out);
}

void pool_core::released_by_server(slot_id slot, clock::time_point now, actions& out) {
    if (!is_current(slot, slot_state::closing)) return;  // abandoned before
    free_slot(slot.index);
    settle(now, out);
}

// --- Events of the operator and of time ---

void pool_core::resize(std::optional<std::uint32_t> cap, std::uint32_t floor, clock::time_point now,
                       actions& out) {
    HEADROOM_ASSERT(!cap || *cap > 0, "a pool's cap is at least 1");
    HEADROOM_ASSERT(!cap || floor <= *cap, "a pool's floor is at most its cap");
    stats_.cap = cap;
    stats_.floor = floor;
    if (cap) close_idle_above(*cap, close_reason::over_cap, now, out);
    settle(now, out);
}

void pool_core::retire(clock::time_point now, actions& out) {
    close_idle_above(0, close_reason::retired, now, out);
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
        auto& at = slots_[index];
        if (at.state != slot_state::leased || at.is_retired) continue;
        at.is_retired = true;
        out.emplace_back(cut_lease{id_of(index)});
    }
    failures_in_a_row_ = 0;
    failed_permanently_ = false;
    open_not_before_ = clock::time_point::min();
    settle(now, out);
}

void pool_core::end_lifetimes(clock::time_point now, actions& out) {
    close_idle_above(0, close_reason::lifetime, now, out);
    for (auto& each : slots_) {
        if (each.state == slot_state::leased) each.retire_at = now;
    }
    settle(now, out);
}

void pool_core::drain(deadline by, clock::time_point now, actions& out) {
    draining_ = true;
    drain_by_ = std::min(drain_by_, by);
    refuse_all(refusal::closed, out);
    close_idle_above(0, close_reason::drained, now, out);
    if (drain_by_ <= now) cut_leases(now, out);
    want_wake(next_wake(), out);
}

void pool_core::tick(clock::time_point now, actions& out) {
    wake_announced_ = clock::time_point::max();
    expire_waiters(now, out);
    expire_slots(now, out);
    peek_idle(now, out);
    if (draining_ && drain_by_ <= now) cut_leases(now, out);
    settle(now, out);
    want_wake(next_wake(), out);
}

// --- Slots ---

std::uint32_t& pool_core::size_of(slot_state state) {
    switch (state) {
        case slot_state::opening:
            return stats_.opening;
        case slot_state::idle:
            return stats_.idle;
        case slot_state::leased:
            return stats_.leased;
        case slot_state::closing:
            return stats_.closing;
        case slot_state::free:
            break;
    }
    assertion_failed("state != free", "free slots are not counted", __FILE__, __LINE__);
}

void pool_core::move(std::uint32_t index, slot_state to, owner_id owner) {
    auto& at = slots_[index];
    if (at.state == slot_state::leased) --owners_[static_cast<std::size_t>(at.owner)].leased;
    if (at.state != slot_state::free) --size_of(at.state);
    at.state = to;
    at.owner = owner;
    if (to != slot_state::free) ++size_of(to);
    if (to == slot_state::leased) ++owners_[static_cast<std::size_t>(owner)].leased;
}

bool pool_core::is_current(slot_id id, slot_state expected) const {
    return id.index < slots_.size() && slots_[id.index].generation == id.generation &&
           slots_[id.index].state == expected;
}

bool pool_core::is_unreachable() const {
    return failures_in_a_row_ > 0 && stats_.idle + stats_.leased == 0;
}

std::uint32_t pool_core::take_free_slot() {
    if (free_slots_ == none) {
        slots_.emplace_back();
        return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const auto index = free_slots_;
    free_slots_ = std::exchange(slots_[index].next, none);
    return index;
}

void pool_core::free_slot(std::uint32_t index) {
    move(index, slot_state::free);
    auto& at = slots_[index];
    ++at.generation;
    at.is_retired = false;
    at.next = std::exchange(free_slots_, index);
}

void pool_core::push_idle(std::uint32_t index, clock::time_point now, actions& out) {
    move(index, slot_state::idle);
    auto& at = slots_[index];
    at.idle_since = now;
    at.previous = idle_newest_;
    at.next = none;
    (idle_newest_ == none ? idle_oldest_ : slots_[idle_newest_].next) = index;
    idle_newest_ = index;
    want_wake(at.retire_at, out);
    if (limits_.idle_timeout != clock::duration::zero() && live() > stats_.floor) {
        want_wake(now + limits_.idle_timeout, out);
    }
    if (limits_.peek_interval == clock::duration::zero()) return;
    // One look at a time for all of them: whoever goes idle joins the next one.
    if (peek_at_ == clock::time_point::max()) peek_at_ = now + limits_.peek_interval;
    want_wake(peek_at_, out);
}

void pool_core::unlink_idle(std::uint32_t index) {
    auto& at = slots_[index];
    (at.previous == none ? idle_oldest_ : slots_[at.previous].next) = at.next;
    (at.next == none ? idle_newest_ : slots_[at.next].previous) = at.previous;
    at.previous = at.next = none;
}

void pool_core::lease_to(std::uint32_t index, owner_id owner) {
    move(index, slot_state::leased, owner);
    ++owners_[static_cast<std::size_t>(owner)].granted;
    ++stats_.granted;
}

void pool_core::serve(std::uint32_t index, clock::time_point now, actions& out) {
    while (queue_first_ != none) {
        const auto first = queue_first_;
        if (waiters_[first].by <= now) {
            end_refused(first, refusal::timeout, out);
            continue;
        }
        const auto& waiting = waiters_[first];
        note_wait(now - waiting.since);
        lease_to(index, waiting.owner);
        out.emplace_back(grant{waiting.tag, id_of(index)});
        dequeue(first);
        return;
    }
    push_idle(index, now, out);
}

void pool_core::close(std::uint32_t index, close_reason why, clock::time_point now, actions& out) {
    move(index, slot_state::closing);
    ++stats_.closed[static_cast<std::size_t>(why)];
    slots_[index].abandon_at = now + limits_.close_grace;
    out.emplace_back(close_connection{id_of(index), why});
    want_wake(slots_[index].abandon_at, out);
}

void pool_core::close_idle_above(std::uint32_t keep, close_reason why, clock::time_point now,
                                 actions& out) {
    while (idle_oldest_ != none && live() > keep) {
        const auto oldest = idle_oldest_;
        unlink_idle(oldest);
        close(oldest, why, now, out);
    }
}

// --- Waiters ---

waiter_id pool_core::enqueue(owner_id owner, waiter_tag tag, deadline by, clock::time_point now) {
    std::uint32_t index = free_waiters_;
    if (index == none) {
        waiters_.emplace_back();
        index = static_cast<std::uint32_t>(waiters_.size() - 1);
    } else {
        free_waiters_ = waiters_[index].next;
    }
    auto& at = waiters_[index];
    at = {.generation = at.generation,
          .live = true,
          .owner = owner,
          .tag = tag,
          .by = by,
          .since = now,
          .previous = queue_last_,
          .next = none};
    (queue_last_ == none ? queue_first_ : waiters_[queue_last_].next) = index;
    queue_last_ = index;
    ++stats_.waiting;
    ++owners_[static_cast<std::size_t>(owner)].waiting;

    const waiter_id id{index, at.generation};
    forget_stale_expiries();
    expiries_.push_back({by, id});
    std::ranges::push_heap(expiries_, later, &expiry::when);
    return id;
}

bool pool_core::is_waiting(waiter_id id) const {
    return id.index < waiters_.size() && waiters_[id.index].generation == id.generation &&
           waiters_[id.index].live;
}

void pool_core::dequeue(std::uint32_t index) {
    auto& at = waiters_[index];
    (at.previous == none ? queue_first_ : waiters_[at.previous].next) = at.next;
    (at.next == none ? queue_last_ : waiters_[at.next].previous) = at.previous;
    at.live = false;
    ++at.generation;
    at.next = std::exchange(free_waiters_, index);
    --stats_.waiting;
    --owners_[static_cast<std::size_t>(at.owner)].waiting;
}

void pool_core::end_refused(std::uint32_t index, refusal why, actions& out) {
    ++stats_.refused[static_cast<std::size_t>(why)];
    out.emplace_back(refuse{waiters_[index].tag, why});
    dequeue(index);
}

void pool_core::refuse_all(refusal why, actions& out) {
    while (queue_first_ != none)
        end_refused(queue_first_, why, out);
}

void pool_core::forget_stale_expiries() {
    if (expiries_.size() < 2 * std::size_t{stats_.waiting} + 64) return;
    std::erase_if(expiries_, [this](const expiry& each) { return !is_waiting(each.waiter); });
    std::ranges::make_heap(expiries_, later, &expiry::when);
}

// --- Opening, expiring, waking ---

bool pool_core::wants_open() const {
    if (draining_ || !has_room()) return false;
    // After a failure one try at a time tells whether the server is back.
    const auto opens_max = failures_in_a_row_ > 0 ? 1 : limits_.opens_max;
    if (stats_.opening >= opens_max) return false;
    return stats_.waiting > stats_.opening || live() < stats_.floor;
}

void pool_core::settle(clock::time_point now, actions& out) {
    while (wants_open()) {
        if (now < open_not_before_) {
            want_wake(open_not_before_, out);
            return;
        }
        begin_open(out);
    }
}

void pool_core::begin_open(actions& out) {
    const auto index = take_free_slot();
    move(index, slot_state::opening);
    ++stats_.opens_started;
    out.emplace_back(open_connection{id_of(index)});
}

void pool_core::expire_waiters(clock::time_point now, actions& out) {
    // Whoever waited in vain because nothing could be opened is told so, not that the pool was
    // busy.
    const auto why = is_unreachable() ? refusal::open_failed : refusal::timeout;
    while (!expiries_.empty() && expiries_.front().when <= now) {
        const auto due = expiries_.front().waiter;
        std::ranges::pop_heap(expiries_, later, &expiry::when);
        expiries_.pop_back();
        if (is_waiting(due)) end_refused(due.index, why, out);
    }
}

void pool_core::expire_slots(clock::time_point now, actions& out) {
    for (auto index = idle_oldest_; index != none;) {
        const auto next = slots_[index].next;
        const bool retired = slots_[index].retire_at <= now;
        const bool unused = limits_.idle_timeout != clock::duration::zero() &&
                            slots_[index].idle_since + limits_.idle_timeout <= now &&
                            live() > stats_.floor;
        if (retired || unused) {
            unlink_idle(index);
            close(index, retired ? close_reason::lifetime : close_reason::idle, now, out);
        }
        index = next;
    }
    if (stats_.closing == 0) return;
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
        if (slots_[index].state != slot_state::closing || slots_[index].abandon_at > now) continue;
        ++stats_.abandoned;
        out.emplace_back(abandon{id_of(index)});
        free_slot(index);
    }
}

// Connections that die while nobody asks for one are noticed too, so that the floor holds.
void pool_core::peek_idle(clock::time_point now, actions& out) {
    if (now < peek_at_) return;
    for (auto index = idle_oldest_; index != none; index = slots_[index].next)
        out.emplace_back(peek{id_of(index)});
    peek_at_ = idle_oldest_ == none ? clock::time_point::max() : now + limits_.peek_interval;
}

void pool_core::cut_leases(clock::time_point now, actions& out) {
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
        if (slots_[index].state == slot_state::leased)
            close(index, close_reason::drain_forced, now, out);
    }
}

clock::time_point pool_core::next_wake() const {
    auto next = expiries_.empty() ? peek_at_ : std::min(peek_at_, expiries_.front().when);
    if (wants_open()) next = std::min(next, open_not_before_);
    if (draining_ && stats_.leased > 0) next = std::min(next, drain_by_);
    const bool idle_expires =
        limits_.idle_timeout != clock::duration::zero() && live() > stats_.floor;
    for (auto index = idle_oldest_; index != none; index = slots_[index].next) {
        next = std::min(next, slots_[index].retire_at);
        if (idle_expires) next = std::min(next, slots_[index].idle_since + limits_.idle_timeout);
    }
    if (stats_.closing > 0) {
        for (const auto& each : slots_) {
            if (each.state == slot_state::closing) next = std::min(next, each.abandon_at);
        }
    }
    return next;
}

void pool_core::want_wake(clock::time_point when, actions& out) {
    if (when >= wake_announced_) return;
    wake_announced_ = when;
    out.emplace_back(wake_at{when});
}

clock::duration pool_core::jittered(clock::duration full) {
    const auto half = full.count() / 2;
    if (half <= 0) return full;
    const auto extra = static_cast<clock::rep>(jitter_() % static_cast<std::uint64_t>(half + 1));
    return clock::duration(full.count() - half + extra);
}

clock::duration pool_core::backoff() {
    const auto doublings = std::min(failures_in_a_row_ - 1, 20U);
    const auto full =
        std::min(limits_.backoff_first * (std::int64_t{1} << doublings), limits_.backoff_max);
    return jittered(full);
}

void pool_core::note_wait(clock::duration waited) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(waited).count();
    const auto bucket =
        std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0)));
    ++stats_.waits[std::min<std::size_t>(static_cast<std::size_t>(bucket), wait_buckets - 1)];
}

}  // namespace headroom::pool
