// SPDX-License-Identifier: Apache-2.0
// What a blocking lane is made of, for its own .cpp files: callers and connections
// (blocking_lane.cpp), and the work of a leader (blocking_lane_leader.cpp).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pool/parked_thread.hpp"
#include "redis/blocking_lane.hpp"

namespace headroom::redis {

// What a parked thread is told.
inline constexpr pool::parked_thread::word look_again = 1;
inline constexpr pool::parked_thread::word ended = 2;

struct blocking_lane::waiting_call : shared_call {
    waiting_call(std::span<const command> what, value* into, call how)
        : shared_call(what, into, how.by), owner(how.owner) {}

    const pool::owner_id owner;
    member* at = nullptr;         // null: among those who wait for a connection
    bool ended_itself = false;    // else another thread will tell it
    bool is_late = false;         // at its deadline
    std::optional<error> broken;  // an error of the pool
    pool::parked_thread thread;
};

// One connection, while calls are on it. Kept afterwards, for its buffers.
struct blocking_lane::member {
    ~member() {
        if (bell >= 0) ::close(bell);
    }

    pool::blocking_lease held;
    blocking_connection* link = nullptr;
    shared_book book;
    waiting_call* leader = nullptr;
    deadline retire_at{};
    clock::time_point silent_since{};  // the server has owed replies and sent nothing since
    clock::duration round_trip = clock::duration::zero();  // falls at once, rises slowly
    bool is_far = false;                                   // then bell is there
    bool is_retiring = false;                              // takes no further call
    bool is_given_up = false;
    bool is_rung = false;

    // The leader's alone.
    std::string out;  // encoded; what stands before out_at has been sent
    std::size_t out_at = 0;
    std::vector<value> replies;

    int bell = -1;  // an eventfd that calls the leader from its wait; made when the server is far

    [[nodiscard]] std::size_t send_rest();
    void note_round_trip(clock::duration latest);
};

// What one write and one read without the lock have brought.
struct blocking_lane::io_turn {
    std::size_t sent = 0;
    std::size_t received = 0;
    clock::time_point ended_at{};
    std::optional<error> loss;
};

// Their threads may return, and their calls be gone, as soon as they are told.
template <class Call>
void tell_all(shared_call_list& done) {
    while (auto* call = done.pop_front())
        static_cast<Call*>(call)->thread.tell(ended).wake();
}

}  // namespace headroom::redis
