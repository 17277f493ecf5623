// SPDX-License-Identifier: Apache-2.0
// Who knows where the primary is now. Pools that dial a primary ask it before each dial and tell it
// how the dial ended.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.hpp"
#include "base/time.hpp"
#include "redis/core/host_and_port.hpp"
#include "redis/core/sentinel_watch.hpp"

namespace headroom::redis {

class primary_locator {
public:
    using dial_end = sentinel_watch::dial_end;

    primary_locator() = default;
    primary_locator(const primary_locator&) = delete;
    primary_locator& operator=(const primary_locator&) = delete;
    virtual ~primary_locator() = default;

    // Where to dial now. The error is connect_failed, or closed, and names each sentinel with its
    // reason. Event loop only.
    [[nodiscard]] virtual boost::asio::awaitable<result<host_and_port>> primary(deadline by) = 0;
    // The same for threads; never on the event loop's own, which it would wait for.
    [[nodiscard]] virtual result<host_and_port> wait_for_primary(deadline by) = 0;
    // How the dial of `where` ended. From any thread.
    virtual void on_dial_ended(const host_and_port& where, dial_end how) = 0;
    // The primary is known to be another one than `where` now: a connection to there, however
    // young, must not be used. From any thread.
    [[nodiscard]] virtual bool has_moved_from(const host_and_port& where) const = 0;

    // Returns when has_moved_from(where), at the latest at `by` or when cancelled. Event loop only.
    [[nodiscard]] virtual boost::asio::awaitable<void> wait_for_move_from(host_and_port where,
                                                                          deadline by) = 0;

    // Called on the event loop whenever the primary has been replaced by another one, until the
    // returned object is destroyed, which waits for a call that is going on (from the call itself
    // it must not be destroyed).
    [[nodiscard]] virtual std::shared_ptr<void> on_move(std::function<void()> listener) = 0;
};

}  // namespace headroom::redis
