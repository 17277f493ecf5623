// SPDX-License-Identifier: Apache-2.0
// The pool of threads: the same core under one mutex. Decides nothing. Opens and closes happen on a
// thread of its own, started at the first acquire, so that an open outlives the caller who caused
// it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "pool/core/pool_core.hpp"
#include "pool/lease.hpp"
#include "pool/pool_error.hpp"

namespace headroom::pool {

// One open connection of a blocking pool, used by one thread at a time.
class blocking_connection {
public:
    blocking_connection() = default;
    blocking_connection(const blocking_connection&) = delete;
    blocking_connection& operator=(const blocking_connection&) = delete;
    virtual ~blocking_connection() = default;
    // As pool::connection. abort() may be called from another thread while the connection is in
    // use.
    [[nodiscard]] virtual bool is_alive() noexcept = 0;
    virtual void abort() noexcept = 0;
    [[nodiscard]] virtual int close() noexcept = 0;
};

class blocking_connector {
public:
    blocking_connector() = default;
    blocking_connector(const blocking_connector&) = delete;
    blocking_connector& operator=(const blocking_connector&) = delete;
    virtual ~blocking_connector() = default;
    // Called on the pool's own thread.
    [[nodiscard]] virtual result<std::unique_ptr<blocking_connection>> open(deadline by) = 0;
    [[nodiscard]] virtual open_failure classify(const error& why) const noexcept = 0;
};

class blocking_pool;

// May move between threads, but only one uses it at a time.
using blocking_lease = basic_lease<blocking_pool, blocking_connection>;

struct blocking_pool_options {
    std::string kind;
    limits bounds;
    clock::duration open_timeout = std::chrono::seconds(5);
};

// Safe from any number of threads.
class blocking_pool {
public:
    // `opener` outlives the pool.
    blocking_pool(blocking_pool_options options, blocking_connector& opener);
    // Drains with a deadline of now if that has not happened; no lease may be out.
    ~blocking_pool();
    blocking_pool(const blocking_pool&) = delete;
    blocking_pool& operator=(const blocking_pool&) = delete;

    [[nodiscard]] owner_id owner(std::string_view name);
    [[nodiscard]] result<blocking_lease> acquire(owner_id owner, deadline by);
    // An idle connection, or nothing; never waits.
    [[nodiscard]] std::optional<blocking_lease> try_acquire(owner_id owner);
    // As pool_core::open_ahead; the connection will be idle. Never waits.
    void open_ahead();
    // Somebody is in the queue of acquire().
    [[nodiscard]] bool has_waiters() const;
    void resize(std::optional<std::uint32_t> cap, std::uint32_t floor);
    // As async_pool::retire_connections.
    void retire_connections();
    // As async_pool::replace_connections.
    void replace_connections();
    // As async_pool::drain; returns when nothing is left or the grace time after `by` has passed.
    [[nodiscard]] result<void> drain(deadline by);

    // Copies, taken under the lock.
    [[nodiscard]] pool_stats stats() const;
    [[nodiscard]] std::vector<owner_usage> owners() const;
    [[nodiscard]] const std::string& kind() const;
    // For messages: sizes, who holds how many, and the last failed open since one succeeded.
    [[nodiscard]] std::string describe() const;

private:
    friend blocking_lease;
    struct state;
    void take_back(slot_id slot, bool reusable) noexcept;
    std::unique_ptr<state> state_;
};

}  // namespace headroom::pool
