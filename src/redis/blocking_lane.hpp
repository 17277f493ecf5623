// SPDX-License-Identifier: Apache-2.0
// The shared way for threads to use a pool: whoever finds a connection that nobody serves leads it,
// that is, writes and reads for all threads whose calls are on it, until its own call has ended;
// then the oldest of the others leads. So one send and one receive carry what many threads ask, and
// a thread alone pays no hand-over. Holds a lease only while a call is on it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "pool/blocking_pool.hpp"
#include "pool/call.hpp"
#include "pool/parked_thread.hpp"
#include "redis/blocking_connection.hpp"
#include "redis/blocking_primary_connector.hpp"
#include "redis/client.hpp"
#include "redis/core/shared_book.hpp"
#include "redis/core/shared_lane_policy.hpp"
#include "redis/core/traffic.hpp"

namespace headroom::redis {

// Safe from any number of threads. No thread may be in run() when it is destroyed.
class blocking_lane {
public:
    // `pool` and `opener` outlive the lane.
    blocking_lane(shared_lane_limits limits, clock::duration silence_max, pool::blocking_pool& pool,
                  const blocking_primary_connector& opener);
    ~blocking_lane();
    blocking_lane(const blocking_lane&) = delete;
    blocking_lane& operator=(const blocking_lane&) = delete;

    // One reply for each of `what`, at least one, into `replies`; the error says what became of
    // them. Only commands that leave the connection as it was. Memory that runs out ends the
    // process: an exception would leave other threads' replies to a frame that is gone.
    [[nodiscard]] std::optional<error> run(std::span<const command> what, value* replies,
                                           call how) noexcept;

    [[nodiscard]] lane_stats stats() const;
    [[nodiscard]] lane_traffic traffic() const;
    // By owner id, since start: calls that went along on a connection which another had taken from
    // the pool, and which the pool has not counted therefore.
    [[nodiscard]] std::vector<std::uint64_t> passengers() const;

private:
    struct member;
    struct waiting_call;
    struct io_turn;

    void look();
    [[nodiscard]] std::optional<error> refuse(const shared_call& mine, const placement& to);
    void encode_queued(member& at);
    void count_sent(member& at, std::size_t bytes);
    // Of a call on no connection: onto the one that suits it, else among those who wait for one.
    void place(waiting_call& mine, const placement& found);
    void join(member& at, waiting_call& mine);
    void count_passenger(pool::owner_id owner);
    void retire_as_needed();
    [[nodiscard]] member& adopt(pool::blocking_lease held);
    void take_connection(std::unique_lock<std::mutex>& lock, waiting_call& mine);
    void call_next_taker();

    void lead(std::unique_lock<std::mutex>& lock, member& at, waiting_call& mine);
    void leave(std::unique_lock<std::mutex>& lock, member& at, shared_call_list& done);
    [[nodiscard]] static io_turn take_turn(member& at, deadline by, shared_call_list& done);
    [[nodiscard]] std::optional<call_failure> deliver(member& at, io_turn& turn,
                                                      shared_call_list& done);
    [[nodiscard]] static std::string too_late(const member& at);
    void withdraw(waiting_call& mine);
    void give_up(std::unique_lock<std::mutex>& lock, waiting_call& mine);
    void lose(member& at, const call_failure& why, shared_call_list& done);
    void release(member& at, bool reusable);

    // Fixed at construction.
    const clock::duration silence_max_;
    pool::blocking_pool& pool_;
    const blocking_primary_connector& opener_;

    mutable std::mutex mutex_;
    // Guarded by mutex_; of a member, the leader's part is the leader's alone.
    shared_lane_policy policy_;
    std::vector<std::unique_ptr<member>> members_;
    std::vector<member_load> loads_;  // of members_, as look() saw them
    shared_call_list waiting_;        // for a connection
    std::size_t commands_waiting_ = 0;
    waiting_call* taker_ = nullptr;          // the one of them that asks the pool
    std::vector<std::uint64_t> passengers_;  // by owner id
    std::uint64_t commands_ = 0;
    std::uint64_t losses_ = 0;
    std::uint64_t queue_full_ = 0;
    lane_traffic traffic_;
};

}  // namespace headroom::redis
