// SPDX-License-Identifier: Apache-2.0
// Our one way to bound a wait (Boost 1.81 has no cancel_after).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>

#include "base/time.hpp"

namespace headroom::net {

// Calls `on_expiry` once when `by` passes (at once from the event loop if it has passed already),
// and never after its own destruction. Typical use: cancel the socket whose operation is awaited.
class deadline_guard {
public:
    deadline_guard(boost::asio::any_io_executor executor, deadline by,
                   std::function<void()> on_expiry);
    ~deadline_guard();
    deadline_guard(const deadline_guard&) = delete;
    deadline_guard& operator=(const deadline_guard&) = delete;

    [[nodiscard]] bool has_expired() const;

private:
    struct state;
    std::shared_ptr<state>
        state_;  // second owner: the timer's handler, which may run after the guard is gone
};

// Returns at `by`, or earlier when the coroutine is cancelled.
[[nodiscard]] boost::asio::awaitable<void> sleep_until(deadline by);

}  // namespace headroom::net
