// SPDX-License-Identifier: Apache-2.0
// Read-only questions to a Redis server on one connection of their own. For the operator's tool:
// blocking, one thread. Judges nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "inspect/core/client_list.hpp"
#include "inspect/core/redis_limits.hpp"
#include "redis/endpoint.hpp"

namespace headroom::redis {
class blocking_connection;
}

namespace headroom::inspect {

class redis_server {
public:
    // The name's kind is pool_kind::tool. Where sentinels are named they are asked for the primary
    // once, on a connection that is closed before the server is dialled. The error of a server at
    // its limit is is_full().
    [[nodiscard]] static result<redis_server> open(redis::endpoint where, deadline by);
    redis_server(redis_server&&) noexcept;
    ~redis_server();

    // Fails only when the connection does: what the server refuses to tell is left out and named in
    // `refusals`.
    [[nodiscard]] result<redis_limits> limits(deadline by);
    // Every client but this one. The error of a user without the right to CLIENT LIST is the
    // server's own.
    [[nodiscard]] result<void> clients(const std::function<void(const redis_client&)>& each,
                                       deadline by);

private:
    explicit redis_server(std::unique_ptr<redis::blocking_connection> link);
    [[nodiscard]] result<std::string> text_of(const char* section, deadline by);
    [[nodiscard]] result<void> complete(redis_limits& to, deadline by);

    std::unique_ptr<redis::blocking_connection> link_;
    std::uint64_t own_id_ = 0;  // 0: the server would not tell
};

// The server refused us because it has no place left: "max number of clients reached".
[[nodiscard]] bool is_redis_full(const error& why);

}  // namespace headroom::inspect
