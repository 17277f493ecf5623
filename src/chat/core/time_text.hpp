// SPDX-License-Identifier: Apache-2.0
// Times as the service writes them. Reads no clock.
#pragma once

#include <chrono>
#include <string>

namespace headroom::chat {

// 2026-01-31T12:00:00.000Z
[[nodiscard]] std::string to_iso_text(std::chrono::system_clock::time_point when);
// Sat, 31 Jan 2026 12:00:00 GMT, as HTTP's Date has it.
[[nodiscard]] std::string to_http_date(std::chrono::system_clock::time_point when);

}  // namespace headroom::chat
