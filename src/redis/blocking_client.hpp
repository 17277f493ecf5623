// SPDX-License-Identifier: Apache-2.0
// The Redis pool of threads (`sync`): blocking calls with the same names, caps and outcomes as the
// asynchronous client. Not for the event loop's thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "pool/blocking_pool.hpp"
#include "pool/call.hpp"
#include "redis/client.hpp"

namespace headroom::redis {

// Safe from any number of threads; each call holds one connection while it lasts.
class blocking_client {
public:
    explicit blocking_client(client_options options);
    ~blocking_client();
    blocking_client(const blocking_client&) = delete;
    blocking_client& operator=(const blocking_client&) = delete;

    [[nodiscard]] pool::owner_id owner(std::string_view name);
    [[nodiscard]] result<value> execute(const command& what, call how);
    [[nodiscard]] result<std::vector<value>> pipeline(const std::vector<command>& what, call how);
    [[nodiscard]] result<void> close(deadline by);

    [[nodiscard]] pool::pool_stats stats() const;
    [[nodiscard]] std::vector<pool::owner_usage> owners() const;
    [[nodiscard]] const client_options& options() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace headroom::redis
