// SPDX-License-Identifier: Apache-2.0
// Brings a schema up to date on one connection. Not the steps themselves: their owner gives them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "postgres/postgres_pool.hpp"

namespace headroom::postgres {

// Waits for the advisory lock of migrations in this database, applies what is missing, and unlocks,
// also after an error. `on` outlives the call; its connection is not reused (it held a lock).
[[nodiscard]] boost::asio::awaitable<result<void>> migrate_locked(postgres_lease& on,
                                                                  std::vector<migration> steps,
                                                                  deadline by);

}  // namespace headroom::postgres
