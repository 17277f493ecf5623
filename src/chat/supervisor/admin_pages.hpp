// SPDX-License-Identifier: Apache-2.0
// What the admin port answers: GET /healthz, /readyz, /monitoring/system, to loopback clients only.
#pragma once

#include <functional>

#include "chat/http/message.hpp"
#include "chat/supervisor/monitoring_report.hpp"

namespace headroom::chat {

[[nodiscard]] http::response answer_admin(const http::request& asked, const system_view& view);

}  // namespace headroom::chat
