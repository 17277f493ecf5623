// SPDX-License-Identifier: Apache-2.0
// What a thread does after a first try that failed: sleeps and tries again, where core/retry_policy
// says so. Not the tries themselves.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "pool/call.hpp"
#include "redis/core/command.hpp"
#include "redis/core/retry_policy.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

struct blocking_retry {
    std::span<const command> commands;
    std::span<value> replies;  // of the latest try
    pool::call how;
    retry_rules rules;
    std::function<std::optional<error>()> again;  // writes `replies`
    std::function<void()> replace_connections;    // READONLY, NOAUTH; limits its rate itself
};

// Empty: the replies are there, and at least one command was not refused. `failed` is how the first
// try ended, empty when it gave replies.
[[nodiscard]] std::optional<error> try_again(const blocking_retry& what,
                                             std::optional<error> failed);

}  // namespace headroom::redis
