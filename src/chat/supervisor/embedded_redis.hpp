// SPDX-License-Identifier: Apache-2.0
// What makes an embedded server a Redis: unix socket only, an append-only file, nothing evicted.
#pragma once

#include <string_view>

#include "base/count.hpp"
#include "base/error.hpp"
#include "chat/supervisor/data_folder.hpp"
#include "chat/supervisor/embedded_server.hpp"

namespace headroom::chat {

// Makes its folder. `connections` is what our own workers may open.
[[nodiscard]] result<server_plan> plan_redis(const data_folder& folder,
                                             std::string_view path_variable,
                                             connection_count connections);

[[nodiscard]] std::string redis_socket(const data_folder& folder);

}  // namespace headroom::chat
