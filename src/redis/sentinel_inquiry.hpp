// SPDX-License-Identifier: Apache-2.0
// Asks the sentinels where the primary is, for threads without an event loop: one connection while
// it asks, and none in between. Hears of no failover; the next dial asks again.
#pragma once

#include <mutex>
#include <string>

#include "redis/core/sentinel_watch.hpp"
#include "redis/endpoint.hpp"
#include "redis/redis_error.hpp"

#include "base/error.hpp"

namespace headroom::redis {

// Safe from any number of threads, which ask one after the other.
class sentinel_inquiry {
public:
    // `where.sentinel` is set. `client_name` is of the connection to the sentinel.
    sentinel_inquiry(const endpoint& where, std::string client_name);

    // The error is connect_failed and names each sentinel with its reason.
    [[nodiscard]] result<host_and_port> primary(deadline by);
    void on_dial_ended(const host_and_port& where, sentinel_watch::dial_end how);

private:
    void ask(const host_and_port& whom, deadline by);

    const endpoint server_;
    const std::string name_;
    std::mutex mutex_;
    sentinel_watch watch_;  // guarded by mutex_
};

}  // namespace headroom::redis
