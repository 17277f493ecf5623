// SPDX-License-Identifier: Apache-2.0
// What makes an embedded server a Postgres: a cluster of its own, reached by unix socket only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/count.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "chat/supervisor/data_folder.hpp"
#include "chat/supervisor/embedded_server.hpp"

namespace headroom::chat {

// Whom the workers are in the embedded cluster, and the database that initdb makes.
inline constexpr const char* embedded_postgres_user = "headroom";
inline constexpr const char* embedded_postgres_database = "postgres";

// Makes the cluster when there is none yet; refuses one of another version. `connections` is what
// our own workers may open.
[[nodiscard]] boost::asio::awaitable<result<server_plan>> plan_postgres(
    const data_folder& folder, child_reaper& reaper, std::string path_variable,
    connection_count connections, deadline by);

}  // namespace headroom::chat
