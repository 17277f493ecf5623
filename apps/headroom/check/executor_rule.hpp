// SPDX-License-Identifier: Apache-2.0
// The rule of executors: what Redis counts of them against the term that the budget has for them.
// Asks nobody and reads no clock.
#pragma once

#include <optional>
#include <vector>

#include "headroom/check/check_rules.hpp"

namespace headroom::tool {

// More of them than the budget has, or several of one execution: it may be a moment's.
[[nodiscard]] bool has_executors_too_many(const check_look& look);

// Empty when the last look does not tell: Redis or the workers did not.
[[nodiscard]] std::optional<check> executors_check(const std::vector<check_look>& looks);

}  // namespace headroom::tool
