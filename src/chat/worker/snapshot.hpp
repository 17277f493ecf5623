// SPDX-License-Identifier: Apache-2.0
// What a worker tells its supervisor about itself each second. Schema: docs/monitoring.md.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <optional>
#include <string_view>

#include "chat/executor/executor_service.hpp"
#include "chat/worker/app_state.hpp"

namespace headroom::chat {

struct worker_activity {
    bool ready = false;
    std::size_t streams = 0;
    std::size_t http_connections = 0;
    std::size_t turns_running = 0;
    std::optional<executor_stats> executors = {};  // empty: this worker runs no code
    std::string_view launcher = {};                // of them, executor_service::launcher_name()
};

// Its `executors`: null when it runs no code.
[[nodiscard]] boost::json::value executors_report(const worker_activity& activity);

[[nodiscard]] boost::json::object make_snapshot(const app_state& of,
                                                const worker_activity& activity);

}  // namespace headroom::chat
