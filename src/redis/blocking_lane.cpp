// SPDX-License-Identifier: Apache-2.0
#include "redis/blocking_lane.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "redis/blocking_lane_state.hpp"

namespace headroom::redis {

namespace {

// Under constant load a connection goes back to the pool so often, which then looks at its
// lifetime.
constexpr auto tenure = std::chrono::seconds(10);
constexpr std::size_t out_capacity_kept = 64 * 1024;

error to_error(call_failure&& why) {
    const auto code = why.what == call_failure::outcome::not_sent  ? redis_errc::not_sent
                      : why.what == call_failure::outcome::unknown ? redis_errc::unknown
                                                                   : redis_errc::protocol_error;
    return {code, std::move(why.detail)};
}

// The pool hands out what was used just now without a look at it, which costs more than the rest of
// its work but little beside a round trip; a call on a dead connection would end as unknown.
bool is_alive(const pool::blocking_lease& held) {
    return held.as<blocking_connection>().is_alive();
}

}  // namespace

blocking_lane::blocking_lane(shared_lane_limits limits, clock::duration silence_max,
                             pool::blocking_pool& pool, const blocking_primary_connector& opener)
    : silence_max_(silence_max), pool_(pool), opener_(opener), policy_(limits) {}

blocking_lane::~blocking_lane() {
    for (const auto& each : members_)
        HEADROOM_ASSERT(each->link == nullptr, "a lane is destroyed while threads are in it");
}

// --- A call from its beginning to its end ---

std::optional<error> blocking_lane::run(std::span<const command> what, value* replies,
                                        call how) noexcept {
    waiting_call mine(what, replies, how);
    std::unique_lock lock(mutex_);
    retire_as_needed();
    look();
    const auto found = policy_.place(loads_);
    if (auto refusal = refuse(mine, found)) return refusal;
    commands_ += what.size();
    place(mine, found);
    while (!mine.has_ended) {
        auto* const at = mine.at;
        if (at != nullptr && (at->leader == nullptr || at->leader == &mine)) {
            lead(lock, *at, mine);
            continue;
        }
        if (at == nullptr && (taker_ == nullptr || taker_ == &mine)) {
            take_connection(lock, mine);
            continue;
        }
        lock.unlock();
        const auto told = mine.thread.wait(mine.by);
        if (told == ended) break;
        lock.lock();
        mine.thread.forget(look_again);
        if (told == pool::parked_thread::nothing && !mine.has_ended) give_up(lock, mine);
    }
    if (lock.owns_lock()) lock.unlock();
    // Ended by another thread, which still has to tell, and uses this frame until then.
    while (!mine.ended_itself && mine.thread.wait(deadline::max()) != ended)
        mine.thread.forget(look_again);
    if (!mine.broken && !mine.failure) return std::nullopt;
    auto why = mine.broken ? std::move(*mine.broken) : to_error(std::move(*mine.failure));
    if (mine.is_late) why.detail += "; " + pool_.describe();
    lock.lock();
    traffic_.count(outcome_of(why.code), what.size() - mine.filled);
    return why;
}

void blocking_lane::look() {
    loads_.clear();
    for (const auto& each : members_) {
        loads_.push_back({each->link != nullptr, each->is_retiring, each->book.outstanding(),
                          each->book.bytes_queued()});
    }
}

std::optional<error> blocking_lane::refuse(const shared_call& mine, const placement& found) {
    const auto to = found.joins;
    const auto& limits = policy_.limits();
    const auto commands = to ? loads_[*to].commands : commands_waiting_;
    if (commands + mine.commands.size() > limits.commands_max) {
        ++queue_full_;
        return error{redis_errc::queue_full,
                     fmt::format("{} commands are outstanding on the least loaded connection; "
                                 "lane_commands_max is {}",
                                 commands, limits.commands_max)};
    }
    const auto bytes = to ? loads_[*to].bytes_queued : 0;
    if (bytes + mine.bytes > limits.bytes_max) {
        ++queue_full_;
        return error{redis_errc::queue_full,
                     fmt::format("{} bytes wait to be written and this needs {}; lane_bytes_max "
                                 "is {}",
                                 bytes, mine.bytes, limits.bytes_max)};
    }
    return std::nullopt;
}

// --- Where a call goes ---

void blocking_lane::place(waiting_call& mine, const placement& found) {
    if (found.wants_another && taker_ == nullptr && !pool_.has_waiters()) {
        while (auto held = pool_.try_acquire(mine.owner)) {
            if (!is_alive(*held)) continue;  // given back as broken
            join(adopt(std::move(*held)), mine);
            return;
        }
        if (found.joins) pool_.open_ahead();
    }
    if (found.joins) {
        count_passenger(mine.owner);
        join(*members_[*found.joins], mine);
    } else {
        mine.at = nullptr;
        commands_waiting_ += mine.commands.size();
        waiting_.push_back(mine);
    }
}

void blocking_lane::join(member& at, waiting_call& mine) {
    mine.at = &at;
    at.book.queue(mine);
    if (!at.is_far || at.leader == nullptr || at.is_rung) return;
    at.is_rung = true;
    const std::uint64_t once = 1;
    (void)!::write(at.bell, &once, sizeof once);
}

void blocking_lane::count_passenger(pool::owner_id owner) {
    const auto index = static_cast<std::size_t>(owner);
    if (passengers_.size() <= index) passengers_.resize(index + 1);
    ++passengers_[index];
}

// Whoever waits for a lease gets what the lane can spare, once the calls on it have ended.
void blocking_lane::retire_as_needed() {
    // The taker is a waiter too, and a connection is on its way to it.
    if (taker_ != nullptr || !pool_.has_waiters()) return;
    look();
    if (const auto last = member_to_give_up(loads_, policy_.limits()))
        members_[*last]->is_retiring = true;
}

blocking_lane::member& blocking_lane::adopt(pool::blocking_lease held) {
    auto at = std::ranges::find_if(members_, [](const auto& m) { return m->link == nullptr; });
    if (at == members_.end()) at = members_.insert(at, std::make_unique<member>());
    auto& to = **at;
    to.link = &held.as<blocking_connection>();
    to.held = std::move(held);
    to.held.mark_in_use();
    to.is_retiring = to.is_given_up = false;
    to.silent_since = clock::now();
    to.retire_at = to.silent_since + tenure;
    return to;
}

// One thread asks the pool, for all that wait.
void blocking_lane::take_connection(std::unique_lock<std::mutex>& lock, waiting_call& mine) {
    taker_ = &mine;
    lock.unlock();
    auto held = pool_.acquire(mine.owner, mine.by);
    while (held && !is_alive(*held)) {
        held->give_back();
        held = pool_.acquire(mine.owner, mine.by);
    }
    lock.lock();
    taker_ = nullptr;
    if (!held) {
        waiting_.remove(mine);
        commands_waiting_ -= mine.commands.size();
        mine.broken = opener_.explain(std::move(held.error()));
        mine.has_ended = mine.ended_itself = true;
        call_next_taker();
        return;
    }
    auto& to = adopt(std::move(*held));
    to.leader = &mine;
    while (auto* each = waiting_.pop_front()) {
        auto& call = static_cast<waiting_call&>(*each);
        if (&call != &mine) count_passenger(call.owner);
        join(to, call);
    }
    commands_waiting_ = 0;
}

void blocking_lane::call_next_taker() {
    if (waiting_.empty() || taker_ != nullptr) return;
    taker_ = static_cast<waiting_call*>(waiting_.front());
    taker_->thread.tell(look_again).wake();
}

// --- Ends ---

std::string blocking_lane::too_late(const member& at) {
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - at.silent_since);
    auto text =
        fmt::format("its deadline has passed; its connection owes {} replies", at.book.due());
    if (at.book.due() > 0) text += fmt::format(", was last heard {} ms ago", silent.count());
    return text + fmt::format(", and has {} bytes to write", at.book.bytes_queued());
}

// The deadline of `mine` has passed; its own thread gives up.
void blocking_lane::withdraw(waiting_call& mine) {
    mine.ended_itself = mine.is_late = true;
    if (mine.at == nullptr) {
        waiting_.remove(mine);
        commands_waiting_ -= mine.commands.size();
        mine.has_ended = true;
        mine.failure = call_failure{call_failure::outcome::not_sent,
                                    "its deadline has passed while there was no connection"};
        if (taker_ == &mine) taker_ = nullptr;
        call_next_taker();
        return;
    }
    auto& at = *mine.at;
    if (mine.is_encoded) ++traffic_.abandoned;
    at.book.withdraw(mine, too_late(at));
    // Slow is not dead: judged by progress of the connection, not by one caller's deadline.
    if (mine.is_encoded && clock::now() - at.silent_since >= silence_max_) {
        at.is_given_up = true;
        at.link->abort();  // its leader, perhaps this thread, finds it so
    }
}

// The same for a thread that waited, and may have been made leader in this very moment.
void blocking_lane::give_up(std::unique_lock<std::mutex>& lock, waiting_call& mine) {
    auto* const at = mine.at;
    withdraw(mine);
    if (at == nullptr || at->leader != &mine) return;
    shared_call_list nobody;
    leave(lock, *at, nobody);
}

void blocking_lane::lose(member& at, const call_failure& why, shared_call_list& done) {
    ++losses_;
    auto unsent = at.book.lose(why, done);
    release(at, false);
    // None of their bytes reached a server, so another connection may take them while their
    // deadlines last.
    while (auto* each = unsent.pop_front()) {
        auto& call = static_cast<waiting_call&>(*each);
        look();
        place(call, policy_.place(loads_));
        if (call.at == nullptr || call.at->leader != nullptr) continue;
        call.at->leader = &call;
        call.thread.tell(look_again).wake();
    }
    call_next_taker();
}

void blocking_lane::release(member& at, bool reusable) {
    if (reusable) at.held.mark_reusable();
    at.held.give_back();
    at.link = nullptr;
    if (!at.book.empty()) at.book = shared_book();
    at.replies.clear();
    at.out.clear();
    at.out_at = 0;
    if (at.out.capacity() > out_capacity_kept) at.out.shrink_to_fit();
}

// --- What it looks like ---

lane_stats blocking_lane::stats() const {
    const std::lock_guard lock(mutex_);
    lane_stats now;
    now.outstanding = commands_waiting_;
    for (const auto& each : members_) {
        if (each->link == nullptr) continue;
        ++now.connections;
        now.outstanding += each->book.outstanding();
    }
    now.commands = commands_;
    now.reconnects = losses_;
    now.queue_full = queue_full_;
    return now;
}

lane_traffic blocking_lane::traffic() const {
    const std::lock_guard lock(mutex_);
    return traffic_;
}

std::vector<std::uint64_t> blocking_lane::passengers() const {
    const std::lock_guard lock(mutex_);
    return passengers_;
}

}  // namespace headroom::redis
