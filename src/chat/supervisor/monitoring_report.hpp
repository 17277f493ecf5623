// SPDX-License-Identifier: Apache-2.0
// The JSON of GET /monitoring/system and /readyz, whose schema is docs/monitoring.md. Values in,
// JSON out: it asks nobody.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "chat/supervisor/worker_view.hpp"
#include "config/run_record.hpp"
#include "config/settings.hpp"

namespace headroom::chat {

struct embedded_view {
    std::string name;
    process_mark process;
    bool ready = false;
};

struct system_view {
    const config::settings& settings;
    const std::vector<worker_view>& workers;
    std::vector<embedded_view> servers;
    pid_t supervisor_pid = 0;
    bool stopping = false;
    clock::time_point now{};
};

[[nodiscard]] boost::json::object system_report(const system_view& view);
[[nodiscard]] boost::json::object readiness_report(const system_view& view);
// Can a request be answered now?
[[nodiscard]] bool is_ready(const system_view& view);

}  // namespace headroom::chat
