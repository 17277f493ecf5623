// SPDX-License-Identifier: Apache-2.0
// The pool of one event loop: feeds pool_core with events and carries out its actions. Decides
// nothing. Everything here runs on the pool's executor (one thread); no lock is taken.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "pool/connection.hpp"
#include "pool/core/pool_core.hpp"
#include "pool/lease.hpp"
#include "pool/pool_error.hpp"

namespace headroom::pool {

class async_pool;

using lease = basic_lease<async_pool, connection>;

struct async_pool_options {
    std::string kind;  // the pool kind, for messages: `async`, `pg`
    limits bounds;
    clock::duration open_timeout =
        std::chrono::seconds(5);  // of one open; independent of any caller's deadline
};

class async_pool {
public:
    // `opener` outlives the pool. Opens nothing before the first acquire, unless the floor asks for
    // it.
    async_pool(boost::asio::any_io_executor executor, async_pool_options options,
               connector& opener);
    // No lease may be out, no waiter queued. drain() is the way to get there.
    ~async_pool();
    async_pool(const async_pool&) = delete;
    async_pool& operator=(const async_pool&) = delete;

    [[nodiscard]] owner_id owner(std::string_view name);

    // Waits in line for a connection until `by`. Fails with a pool_errc whose detail says what the
    // pool looked like and carries the last error of an open. Cancellable (asio total
    // cancellation): ends as `cancelled`.
    [[nodiscard]] boost::asio::awaitable<result<lease>> acquire(owner_id owner, deadline by);

    // An idle connection now, or nothing.
    [[nodiscard]] std::optional<lease> try_acquire(owner_id owner);

    void resize(std::optional<std::uint32_t> cap, std::uint32_t floor);

    // Another server is to be used from now on: closes idle connections and cuts leased ones, whose
    // holders notice. From the next open on, the connector says which server that is.
    void retire_connections();
    // Every connection is to be opened anew: closes idle ones now, leased ones when they come back.
    void replace_connections();

    // Refuses waiters, closes idle connections, waits for leases, cuts them at `by`, and returns
    // when the server has let go of every connection or the grace time after `by` has passed. Later
    // calls return what the first did.
    [[nodiscard]] boost::asio::awaitable<result<void>> drain(deadline by);

    [[nodiscard]] const pool_stats& stats() const;
    [[nodiscard]] const std::vector<owner_usage>& owners() const;
    [[nodiscard]] const std::string& kind() const;
    // Of the latest failed open since the latest success.
    [[nodiscard]] const std::optional<error>& last_open_error() const;

    // Called (posted, never from inside acquire) when waiters are queued and the cap leaves no room
    // to open: holders of surplus connections, such as the command lane, then give one back.
    void on_pressure(std::function<void()> listener);

private:
    friend lease;
    struct state;
    void take_back(slot_id slot, bool reusable) noexcept;
    [[nodiscard]] clock::time_point lifetime_end(slot_id slot) const;
    std::shared_ptr<state>
        state_;  // second owner: opens and closes still in flight when the pool is destroyed
};

}  // namespace headroom::pool
