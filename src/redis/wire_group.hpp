// SPDX-License-Identifier: Apache-2.0
// What the wires of one client share: one timer for all deadlines, buffers, and turns, at whose end
// what was queued meanwhile is written at once. Event loop only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "redis/core/reply_view.hpp"
#include "redis/core/traffic.hpp"
#include "redis/exchange.hpp"
#include "redis/redis_error.hpp"

namespace headroom::redis {

class wire;

class wire_group : public std::enable_shared_from_this<wire_group> {
public:
    // A wire that owes replies and has been silent for `silence_max` is taken for dead when the
    // next of its callers gives up.
    wire_group(boost::asio::any_io_executor executor, clock::duration silence_max);
    ~wire_group();
    wire_group(const wire_group&) = delete;
    wire_group& operator=(const wire_group&) = delete;

    [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }

    [[nodiscard]] clock::duration silence_max() const { return silence_max_; }

    void add(exchange_holder& holder) { holders_.push_back(&holder); }
    void remove(exchange_holder& holder) { std::erase(holders_, &holder); }
    // An exchange with this deadline has come to a holder. It is expired no more than a millisecond
    // late, or ten times what a look at everything outstanding takes.
    void note_deadline(deadline by) {
        if (by < armed_for_) arm(by);
    }

    // The time at the begin of this turn, or now between turns: for what need not be exact.
    [[nodiscard]] clock::time_point turn_time() const {
        return is_in_turn_ ? turn_began_ : clock::now();
    }

    // Ends the exchange with this failure, which is counted for each command without a reply.
    void fail(exchange& x, redis_errc code, std::string detail);
    // The exchange has ended: its caller runs in this turn if one is going on, else in the next.
    void resume(exchange& x);
    // Calls w.flush() at the end of the turn.
    void flush_at_end_of_turn(std::shared_ptr<wire> w);
    // Calls w.read() at the end of the turn, after what is flushed.
    void read_at_end_of_turn(std::shared_ptr<wire> w);
    // For handlers of sockets and timers: between the two, nothing is resumed or flushed; the end
    // resumes those who have ended, then flushes once.
    void begin_turn() {
        is_in_turn_ = true;
        turn_began_ = clock::now();
    }
    void end_turn();

    // A buffer of read_bytes, for as long as a wire expects much to come.
    static constexpr std::size_t read_bytes = 64 * 1024;
    [[nodiscard]] std::unique_ptr<char[]> lend_buffer();
    void take_back_buffer(std::unique_ptr<char[]> buffer);
    // Where wires encode what they send at once. Empty between flushes.
    [[nodiscard]] std::string& encoding() { return encoding_; }

    [[nodiscard]] reply_viewer& viewer() { return viewer_; }

    lane_traffic traffic;  // of all wires, since start
    // What the pool looks like now, for the error of who waited too long.
    std::function<std::string()> describe_pool;

private:
    void schedule();
    void arm(deadline wanted);
    void on_timer();

    boost::asio::any_io_executor executor_;
    clock::duration silence_max_;
    boost::asio::steady_timer timer_;
    std::vector<exchange_holder*> holders_;
    deadline armed_for_ = deadline::max();
    clock::time_point no_look_before_{};

    exchange_list ended_;
    std::vector<std::shared_ptr<wire>> to_flush_;
    std::vector<std::shared_ptr<wire>> to_read_;
    std::vector<std::shared_ptr<wire>> at_hand_;  // reused
    clock::time_point turn_began_{};
    bool is_in_turn_ = false;
    bool is_scheduled_ = false;

    std::vector<std::unique_ptr<char[]>> buffers_;
    std::string encoding_;
    reply_viewer viewer_;
};

}  // namespace headroom::redis
