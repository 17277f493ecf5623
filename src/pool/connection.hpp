// SPDX-License-Identifier: Apache-2.0
// What a pool needs of the connections it holds and of whoever opens them. Not a protocol: redis/
// and postgres/ implement both.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/error.hpp"
#include "base/time.hpp"
#include "pool/core/pool_core.hpp"

namespace headroom::pool {

// One open connection. Used by one lease at a time, on the thread of its pool.
class connection {
public:
    connection() = default;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    virtual ~connection() = default;

    // False when the peer has closed it, or sent something unasked for, while it was idle. One
    // peek, no round trip.
    [[nodiscard]] virtual bool is_alive() noexcept = 0;

    // Cuts the socket under whoever is using it: their pending and later operations fail at once.
    virtual void abort() noexcept = 0;

    // Ends the session politely where that needs no waiting, closes the socket, and returns a
    // duplicate of its descriptor, which reads to its end once the server has let go; -1 where
    // there is none. The caller owns it. Called once, last.
    [[nodiscard]] virtual int close() noexcept = 0;
};

// Opens connections for an async_pool. Outlives the pool's opens.
class connector {
public:
    connector() = default;
    connector(const connector&) = delete;
    connector& operator=(const connector&) = delete;
    virtual ~connector() = default;

    [[nodiscard]] virtual boost::asio::awaitable<result<std::unique_ptr<connection>>> open(
        deadline by) = 0;

    // Whether trying again can help: a wrong password is permanent, a refused connection is not.
    [[nodiscard]] virtual open_failure classify(const error& why) const noexcept = 0;
};

}  // namespace headroom::pool
