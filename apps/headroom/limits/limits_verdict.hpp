// SPDX-License-Identifier: Apache-2.0
// What to make of a server's limits: findings, worst when the server is nearly full.
#pragma once

#include <vector>

#include "headroom/show/finding.hpp"
#include "inspect/core/postgres_limits.hpp"
#include "inspect/core/redis_limits.hpp"

namespace headroom::tool {

// Empty when all is well.
[[nodiscard]] std::vector<finding> judge(const inspect::redis_limits& told, thresholds by);
[[nodiscard]] std::vector<finding> judge(const inspect::postgres_limits& told, thresholds by);

}  // namespace headroom::tool
