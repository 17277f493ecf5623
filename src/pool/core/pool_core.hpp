// SPDX-License-Identifier: Apache-2.0
// Decides who gets which connection of one capped pool. Performs no I/O, reads no clock, takes no
// lock and does not know what a connection is: a driver feeds it one event per cause and carries
// out the actions it appends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace headroom::pool {

// Room for one connection, occupied from the first SYN until the server has let go. The generation
// tells a late event about a former occupant from one about the present occupant.
struct slot_id {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;
    bool operator==(const slot_id&) const = default;
};

// A caller in the queue. Stale after its grant or refusal, which cancel() tells by returning false.
struct waiter_id {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;
    bool operator==(const waiter_id&) const = default;
};

// The driver's own name for a waiter, handed back in grant and refuse.
using waiter_tag = std::uintptr_t;

// The component that asks: `relay`, `store`, `bundle:echo`. Registered once, counted for ever.
enum class owner_id : std::uint16_t {};

// Why an acquire ended without a connection.
enum class refusal : std::uint8_t {
    timeout,      // its deadline passed while every connection was in use
    cancelled,    // the caller gave up
    queue_full,   // as many waiters as the pool allows were already there
    open_failed,  // no connection could be opened: see the last server error
    closed,       // the pool is draining
};
inline constexpr std::size_t refusal_kinds = 5;

// Why a connection is closed.
enum class close_reason : std::uint8_t {
    broken,        // a lease ended without proving the connection reusable
    went_away,     // the server closed it, or it failed, while idle
    idle,          // unused for idle_timeout, and above the floor
    lifetime,      // older than its drawn lifetime
    over_cap,      // the cap was lowered
    retired,       // its server is not the one to use any more
    drained,       // the pool closes
    drain_forced,  // still leased when the drain's deadline passed
};
inline constexpr std::size_t close_reason_kinds = 8;

// Whether opening is worth trying again within the callers' deadlines.
enum class open_failure : std::uint8_t {
    transient,  // refused, unreachable, too many clients: waiters wait on, opens back off
    permanent,  // wrong password, no such database: every waiter is told at once, opens back off
};

// The same spelling in log, metric and code.
[[nodiscard]] std::string_view to_string(refusal why);
[[nodiscard]] std::string_view to_string(close_reason why);

struct limits {
    std::optional<std::uint32_t> cap;  // connections at most; empty: unbounded
    std::uint32_t floor = 0;           // connections kept, also after breakage; at most the cap
    std::uint32_t opens_max = 2;       // connections being opened at once
    std::uint32_t waiters_max = 10'000;
    clock::duration idle_timeout = std::chrono::minutes(5);  // zero: never
    clock::duration lifetime =
        std::chrono::minutes(30);  // each drawn between half and full; zero: never
    clock::duration peek_interval =
        std::chrono::seconds(1);  // between looks at idle connections; zero: none
    clock::duration backoff_first = std::chrono::milliseconds(50);
    clock::duration backoff_max = std::chrono::seconds(5);
    clock::duration close_grace =
        std::chrono::seconds(2);  // then a closing slot counts as abandoned
    std::uint64_t seed = 1;       // of the jitter in back-off and lifetime
};

struct open_connection {
    slot_id slot;
    bool operator==(const open_connection&) const = default;
};
struct grant {
    waiter_tag waiter;
    slot_id slot;
    bool operator==(const grant&) const = default;
};
struct refuse {
    waiter_tag waiter;
    refusal why;
    bool operator==(const refuse&) const = default;
};
// Close the connection and report released_by_server() when the server has let go. With
// drain_forced a lease is still out: cut the connection under it.
struct close_connection {
    slot_id slot;
    close_reason why;
    bool operator==(const close_connection&) const = default;
};
// Cut the connection under its lease, so that its holder notices; it comes back by returned().
struct cut_lease {
    slot_id slot;
    bool operator==(const cut_lease&) const = default;
};
// The server did not let go within the grace time: stop watching, the slot is free again.
struct abandon {
    slot_id slot;
    bool operator==(const abandon&) const = default;
};
// Look whether the idle connection is still alive, and tell broken() when it is not.
struct peek {
    slot_id slot;
    bool operator==(const peek&) const = default;
};
// Call tick() no later than this.
struct wake_at {
    clock::time_point when;
    bool operator==(const wake_at&) const = default;
};
using action = std::variant<open_connection, grant, refuse, close_connection, cut_lease, abandon,
                            peek, wake_at>;
using actions = std::vector<action>;  // owned and reused by the driver

struct owner_usage {
    std::string name;
    std::uint32_t leased = 0;
    std::uint32_t waiting = 0;
    std::uint64_t granted = 0;  // since start
};

// Waiting times of granted acquires that had to wait: bucket i holds waits below 2^i microseconds.
inline constexpr std::size_t wait_buckets = 32;

// Sizes now, totals since start. opening + idle + leased + closing <= cap at every instant.
struct pool_stats {
    std::optional<std::uint32_t> cap;
    std::uint32_t floor = 0;
    std::uint32_t opening = 0;
    std::uint32_t idle = 0;
    std::uint32_t leased = 0;
    std::uint32_t closing = 0;
    std::uint32_t waiting = 0;
    std::uint64_t acquires = 0;
    std::uint64_t granted = 0;
    std::array<std::uint64_t, refusal_kinds> refused{};
    std::uint64_t opens_started = 0;
    std::uint64_t opened = 0;
    std::uint64_t opens_failed = 0;
    std::array<std::uint64_t, close_reason_kinds> closed{};
    std::uint64_t abandoned = 0;
    std::array<std::uint64_t, wait_buckets> waits{};
    // How long leases lasted, in the buckets of `waits`: of one lease in 64 of a blocking pool.
    std::array<std::uint64_t, wait_buckets> uses{};

    [[nodiscard]] std::uint32_t size() const { return opening + idle + leased + closing; }
};

class pool_core {
public:
    explicit pool_core(limits l);

    // The id of a component's name; the same name gives the same id. At most 65,535 owners.
    [[nodiscard]] owner_id owner(std::string_view name);

    // --- Events of callers ---

    // The idle connection that try_acquire() would hand out: a driver peeks at it first and tells
    // broken().
    [[nodiscard]] std::optional<slot_id> newest_idle() const;

    // The idle connection used last, or nothing. Emits nothing; the caller is not queued.
    [[nodiscard]] std::optional<slot_id> try_acquire(owner_id owner);

    // Ends exactly once, in a grant or a refuse that carries `tag`, perhaps among the actions of
    // this very call. `by` is absolute and never re-armed.
    waiter_id acquire(owner_id owner, waiter_tag tag, deadline by, clock::time_point now,
                      actions& out);

    // The caller gives up. False when its grant or refusal has been emitted already: a granted slot
    // must then be handed back with returned(), so that it passes on to the next waiter.
    bool cancel(waiter_id waiter, clock::time_point now, actions& out);

    // The lease ended. Not reusable unless the exchange that used it proved so. Ignored when the
    // drain has cut it.
    void returned(slot_id slot, bool reusable, clock::time_point now, actions& out);

    // Somebody will soon want one connection more than there is: opens it where the cap and the
    // back-off allow, and nobody waits for one, none is idle and none is being opened already.
    void open_ahead(clock::time_point now, actions& out);

    // --- Events of connections ---

    void opened(slot_id slot, clock::time_point now, actions& out);
    void open_failed(slot_id slot, open_failure kind, clock::time_point now, actions& out);

    // An idle connection failed or was closed by the server. Ignored for a slot that is not idle.
    void broken(slot_id slot, clock::time_point now, actions& out);

    // The server has let go of a closing connection. Ignored when the slot was abandoned before.
    void released_by_server(slot_id slot, clock::time_point now, actions& out);

    // --- Events of the operator and of time ---

    void resize(std::optional<std::uint32_t> cap, std::uint32_t floor, clock::time_point now,
                actions& out);

    // Another server is to be used from now on: closes what is idle, cuts leases, and forgets the
    // back-off, which was the former server's. Which server an open under way will reach is its
    // connector's business.
    void retire(clock::time_point now, actions& out);

    // The connections of now are not to be used for long any more: closes what is idle, and leases
    // as they come back. Nobody is disturbed.
    void end_lifetimes(clock::time_point now, actions& out);

    // Refuses all waiters and closes what is idle; leases close as they come back, by force after
    // `by`. Final.
    void drain(deadline by, clock::time_point now, actions& out);

    void tick(clock::time_point now, actions& out);

    // --- State ---

    [[nodiscard]] const pool_stats& stats() const { return stats_; }
    [[nodiscard]] const std::vector<owner_usage>& owners() const { return owners_; }
    // When the lifetime of a leased connection ends: who holds one for long gives it back then.
    [[nodiscard]] clock::time_point lifetime_end(slot_id slot) const {
        return slots_[slot.index].retire_at;
    }
    [[nodiscard]] bool is_draining() const { return draining_; }
    // Draining, and no connection is left in any state.
    [[nodiscard]] bool is_drained() const { return draining_ && stats_.size() == 0; }

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    enum class slot_state : std::uint8_t { free, opening, idle, leased, closing };
    struct slot {
        slot_state state = slot_state::free;
        std::uint32_t generation = 0;
        bool is_retired = false;  // closes when its lease ends
        owner_id owner{};
        std::uint32_t previous = none;  // in the idle list, most recently used last
        std::uint32_t next = none;      // in the idle list, or in the list of free slots
        clock::time_point idle_since{};
        clock::time_point retire_at{};   // end of its lifetime
        clock::time_point abandon_at{};  // while closing
    };
    struct waiter {
        std::uint32_t generation = 0;
        bool live = false;
        owner_id owner{};
        waiter_tag tag = 0;
        deadline by{};
        clock::time_point since{};
        std::uint32_t previous = none;
        std::uint32_t next = none;  // in the queue, or in the list of free waiters
    };
    struct expiry {
        clock::time_point when;
        waiter_id waiter;
    };

    // The one place where a slot changes its state, and the sizes with it.
    void move(std::uint32_t index, slot_state to, owner_id owner = {});
    [[nodiscard]] std::uint32_t& size_of(slot_state state);
    [[nodiscard]] bool is_current(slot_id id, slot_state expected) const;
    [[nodiscard]] slot_id id_of(std::uint32_t index) const {
        return {index, slots_[index].generation};
    }
    // Connections that are or will be of use: all but the closing ones.
    [[nodiscard]] std::uint32_t live() const {
        return stats_.opening + stats_.idle + stats_.leased;
    }
    [[nodiscard]] bool is_over_cap() const { return stats_.cap && live() > *stats_.cap; }
    [[nodiscard]] bool has_room() const { return !stats_.cap || stats_.size() < *stats_.cap; }
    [[nodiscard]] bool is_unreachable() const;  // the last open failed and no connection is left

    [[nodiscard]] std::uint32_t take_free_slot();
    void free_slot(std::uint32_t index);
    void push_idle(std::uint32_t index, clock::time_point now, actions& out);
    void unlink_idle(std::uint32_t index);
    void lease_to(std::uint32_t index, owner_id owner);
    // To the oldest live waiter, else to the idle list.
    void serve(std::uint32_t index, clock::time_point now, actions& out);
    void close(std::uint32_t index, close_reason why, clock::time_point now, actions& out);
    void close_idle_above(std::uint32_t keep, close_reason why, clock::time_point now,
                          actions& out);

    [[nodiscard]] waiter_id enqueue(owner_id owner, waiter_tag tag, deadline by,
                                    clock::time_point now);
    [[nodiscard]] bool is_waiting(waiter_id id) const;
    void dequeue(std::uint32_t index);
    void end_refused(std::uint32_t index, refusal why, actions& out);
    void refuse_all(refusal why, actions& out);

    // Ends every event: opens what is needed, announces when it must be woken.
    void settle(clock::time_point now, actions& out);
    void begin_open(actions& out);
    [[nodiscard]] bool wants_open() const;
    void expire_waiters(clock::time_point now, actions& out);
    void expire_slots(clock::time_point now, actions& out);
    void peek_idle(clock::time_point now, actions& out);
    void cut_leases(clock::time_point now, actions& out);
    [[nodiscard]] clock::time_point next_wake() const;
    void want_wake(clock::time_point when, actions& out);
    void forget_stale_expiries();
    [[nodiscard]] clock::duration jittered(clock::duration full);  // between half and full
    [[nodiscard]] clock::duration backoff();
    void note_wait(clock::duration waited);

    // Fixed at construction; cap and floor live in stats_ and change with resize().
    const limits limits_;

    std::mt19937_64 jitter_;
    std::vector<slot> slots_;
    std::uint32_t free_slots_ = none;
    std::uint32_t idle_oldest_ = none;
    std::uint32_t idle_newest_ = none;

    std::vector<waiter> waiters_;
    std::uint32_t free_waiters_ = none;
    std::uint32_t queue_first_ = none;
    std::uint32_t queue_last_ = none;
    std::vector<expiry>
        expiries_;  // a heap by time; holds stale entries, see forget_stale_expiries()

    std::uint32_t failures_in_a_row_ = 0;
    bool failed_permanently_ = false;  // the latest open did
    clock::time_point open_not_before_ = clock::time_point::min();
    clock::time_point peek_at_ = clock::time_point::max();  // the next look at all that is idle
    bool draining_ = false;
    deadline drain_by_ = deadline::max();
    clock::time_point wake_announced_ = clock::time_point::max();

    std::vector<owner_usage> owners_;
    pool_stats stats_;
};

}  // namespace headroom::pool
