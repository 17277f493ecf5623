// SPDX-License-Identifier: Apache-2.0
// The ranges of settings that both the environment and the gateway document can give.
#pragma once

#include "config/parse.hpp"

namespace headroom::config {

inline constexpr number_range redis_connections_range{.min = 1, .max = 100'000};
inline constexpr number_range pg_pool_min_range{.min = 0, .max = 10'000};
inline constexpr number_range pg_pool_max_range{.min = 1, .max = 10'000};

}  // namespace headroom::config
