// SPDX-License-Identifier: Apache-2.0
// What the supervisor hands to a worker that it started, beyond settings: its number and its
// inherited descriptors. The variables are internal: nobody but the supervisor sets them.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace headroom::config {

struct worker_slot {
    std::uint32_t index = 0;  // 0-based; a replacement has the index of the worker it replaces
    int listen_fd = -1;       // the public listener
    int status_fd = -1;       // socketpair to the supervisor: snapshots out, orders in
    bool operator==(const worker_slot&) const = default;
};

// Empty when none of the variables is set (this process is no worker); faults when only some are,
// or are no numbers.
[[nodiscard]] std::expected<std::optional<worker_slot>, faults> read_worker_slot(
    const environment& variables);

// The environment of a worker, ready for execve: that of the supervisor, with `overrides` and
// `slot` in place of what was there. An empty override removes the variable.
[[nodiscard]] std::vector<std::string> worker_environment(environment own,
                                                          const environment& overrides,
                                                          const worker_slot& slot);

// Overrides that point a worker to an embedded server, whatever else the environment says of Redis
// or Postgres.
[[nodiscard]] environment embedded_redis(const std::string& socket_path);
[[nodiscard]] environment embedded_postgres(const std::string& socket_folder,
                                            const std::string& database, const std::string& user);

// Overrides that hand on what the supervisor itself resolved: the gateway document as it was read
// at start.
[[nodiscard]] environment same_gateway(const settings& resolved);

}  // namespace headroom::config
