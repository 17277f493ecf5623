// SPDX-License-Identifier: Apache-2.0
// The ranges of settings that both the environment and the gateway document can give.
#pragma once

#include "base/count.hpp"
#include "config/parse.hpp"

namespace headroom::config {

// REDIS_MAX_CONNECTIONS as a number; a service needs at least redis_connections_needed().
inline constexpr number_range redis_connections_range{.min = 1, .max = 100'000};
[[nodiscard]] connection_count redis_connections_needed();
inline constexpr number_range processes_per_instance_range{.min = 1, .max = 512};
inline constexpr number_range pg_pool_min_range{.min = 0, .max = 10'000};
inline constexpr number_range pg_pool_max_range{.min = 1, .max = 10'000};

}  // namespace headroom::config
