// SPDX-License-Identifier: Apache-2.0
// Opens blocking connections: to the server named, or where sentinels are named to the primary they
// tell of, whose ROLE must then say `master`.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "redis/blocking_connection.hpp"
#include "redis/client.hpp"
#include "redis/primary_locator.hpp"
#include "redis/sentinel_inquiry.hpp"

namespace headroom::redis {

class blocking_primary_connector final : public pool::blocking_connector {
public:
    // Asks options.locator; without one, the sentinels on a connection of its own while it dials.
    explicit blocking_primary_connector(const client_options& options);

    [[nodiscard]] result<std::unique_ptr<pool::blocking_connection>> open(deadline by) override;
    [[nodiscard]] pool::open_failure classify(const error& why) const noexcept override;
    // An error of the pool with the outcome a caller of Redis is told: nothing was sent. Says
    // auth_failed or tls_failed where the last open failed so. From any thread.
    [[nodiscard]] error explain(error from_pool) const;

private:
    [[nodiscard]] result<std::unique_ptr<pool::blocking_connection>> open_primary(deadline by);
    [[nodiscard]] result<host_and_port> primary(deadline by);
    void on_dial_ended(const host_and_port& where, primary_locator::dial_end how);

    const dial_options dial_;
    std::shared_ptr<primary_locator> locator_;
    std::optional<sentinel_inquiry> inquiry_;
    std::optional<redis::blocking_connector> fixed_;  // where no sentinel is named
    std::atomic<int> rejection_{0};                   // a redis_errc; 0: none
};

}  // namespace headroom::redis
