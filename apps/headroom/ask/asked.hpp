// SPDX-License-Identifier: Apache-2.0
// What the servers answered, or why they did not: asked once, for every command that needs it.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "headroom/ask/servers.hpp"
#include "headroom/show/finding.hpp"
#include "inspect/core/holder_groups.hpp"
#include "inspect/core/postgres_limits.hpp"
#include "inspect/core/redis_limits.hpp"
#include "inspect/service_status.hpp"

namespace headroom::tool {

// Why a server gave no answer.
struct no_answer {
    bool is_full = false;  // it is there, and refused us because it has no place left
    error why;
};

template <class T>
using answer = std::expected<T, no_answer>;

[[nodiscard]] answer<inspect::redis_limits> ask_redis_limits(const redis_place& at, deadline by);
[[nodiscard]] answer<inspect::postgres_limits> ask_postgres_limits(const postgres_place& at,
                                                                   deadline by);

// Each connection but our own goes to `each`.
[[nodiscard]] answer<void> ask_redis_holders(
    const redis_place& at, const std::function<void(const inspect::holder&)>& each, deadline by);
[[nodiscard]] answer<void> ask_postgres_holders(
    const postgres_place& at, const std::function<void(const inspect::holder&)>& each, deadline by);

// "Redis at 10.0.0.5:6379 did not answer: ..." or that it is full, with what to do.
[[nodiscard]] finding finding_of(const no_answer& why, const redis_place& at);
[[nodiscard]] finding finding_of(const no_answer& why, const postgres_place& at);

}  // namespace headroom::tool
