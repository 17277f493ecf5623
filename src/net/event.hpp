// SPDX-License-Identifier: Apache-2.0
// Something coroutines of one event loop wait for: set by one, waited for by any number, reset by
// hand.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "base/time.hpp"

namespace headroom::net {

class event {
public:
    explicit event(boost::asio::any_io_executor executor);

    void set();
    void reset() { state_->set = false; }
    [[nodiscard]] bool is_set() const { return state_->set; }

    // True when set, at once or before `by`. False when `by` passed or the coroutine was cancelled
    // first.
    [[nodiscard]] boost::asio::awaitable<bool> wait(deadline by);

private:
    struct state {
        explicit state(const boost::asio::any_io_executor& on) : executor(on) {}
        boost::asio::any_io_executor executor;
        bool set = false;
        struct node {
            boost::asio::steady_timer* timer;
            node* next;
        };
        node* waiters = nullptr;
    };
    std::shared_ptr<state> state_;  // second owners: waits that outlive the event
};

}  // namespace headroom::net
