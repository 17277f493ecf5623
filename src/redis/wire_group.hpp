// SPDX-License-Identifier: Apache-2.0
// What the wires of one client share: one timer for all deadlines, and turns, at whose end what
// was queued meanwhile is written at once. Event loop only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.hpp"
#include "redis/exchange.hpp"

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

    // withdraw() is called on the exchange's holder once its deadline has passed, but for unwatch()
    // before.
    void watch(exchange& x);
    void unwatch(exchange& x);

    // The exchange has ended: its caller runs in this turn if one is going on, else in the next.
    void resume(exchange& x);
    // Calls w.flush() at the end of the turn.
    void flush_at_end_of_turn(std::shared_ptr<wire> w);
    // For handlers of sockets and timers: between the two, nothing is resumed or flushed; the end
    // resumes those who have ended, then flushes once.
    void begin_turn() { is_in_turn_ = true; }
    void end_turn();

    std::uint64_t abandoned = 0;  // replies that nobody waits for any more, since start

private:
    void schedule();
    void arm();
    void on_timer();
    void sift_up(std::size_t index);
    void sift_down(std::size_t index);
    void place(std::size_t index, exchange& x);

    boost::asio::any_io_executor executor_;
    clock::duration silence_max_;
    boost::asio::steady_timer timer_;
    deadline armed_for_ = deadline::max();
    std::vector<exchange*> by_deadline_;  // a heap, the earliest first

    exchange_list ended_;
    std::vector<std::shared_ptr<wire>> to_flush_;
    bool is_in_turn_ = false;
    bool is_scheduled_ = false;
};

}  // namespace headroom::redis
