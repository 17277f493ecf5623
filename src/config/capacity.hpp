// SPDX-License-Identifier: Apache-2.0
// What settings mean for servers and for the operating system: the fleet for src/budget, and the
// open files needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "budget/fleet.hpp"
#include "config/settings.hpp"

namespace headroom::config {

// The bundle that runs code, by its name in CHAT_BUNDLES.
inline constexpr std::string_view code_bundle = "code";
[[nodiscard]] bool names_code(const settings& from);

// How many executors of a worker run at the same time, each at most one Redis connection. None
// unless CHAT_BUNDLES names `code`, and none where no turns run (role `ingress`).
[[nodiscard]] connection_count executors_per_worker(const settings& from);

// This configuration, on so many instances.
[[nodiscard]] budget::fleet fleet_of(const settings& from, instance_count instances);

struct open_files_term {
    std::string_view name;
    std::uint64_t count = 0;
};

struct open_files_need {
    std::vector<open_files_term> terms;
    std::uint64_t total = 0;
};

// The most descriptors one worker can have open. Each term is bounded by the ranges of settings, so
// the sum fits. A worker may hold every stream of its instance, because the kernel chooses who
// accepts. An unbounded Redis pool is counted with `unbounded_pool_allowance`, because some number
// must be.
inline constexpr std::uint64_t unbounded_pool_allowance = 256;
[[nodiscard]] open_files_need open_files_needed(const settings& from);

}  // namespace headroom::config
