// SPDX-License-Identifier: Apache-2.0
// Opens connections: to the server named, or where sentinels are named to the primary they tell of,
// whose ROLE must then say `master`. Included by .cpp files only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "pool/connection.hpp"
#include "redis/client.hpp"
#include "redis/connection.hpp"
#include "redis/primary_locator.hpp"

namespace headroom::redis {

class primary_connector final : public pool::connector {
public:
    // Asks options.locator; without one, the sentinels on a connection of its own while it dials.
    primary_connector(const client_options& options, std::shared_ptr<wire_group> group);

    [[nodiscard]] boost::asio::awaitable<result<std::unique_ptr<pool::connection>>> open(
        deadline by) override;
    [[nodiscard]] pool::open_failure classify(const error& why) const noexcept override;

private:
    [[nodiscard]] std::shared_ptr<redis::connector> connector_to(const host_and_port& where);
    [[nodiscard]] boost::asio::awaitable<result<std::unique_ptr<pool::connection>>> dial(
        host_and_port where, deadline by);
    [[nodiscard]] boost::asio::awaitable<result<value>> ask_role(std::shared_ptr<wire> link,
                                                                 deadline by);

    // Fixed at construction.
    const dial_options dial_;
    std::shared_ptr<wire_group> group_;
    std::shared_ptr<primary_locator> locator_;  // empty where no sentinel is named

    host_and_port where_;
    std::shared_ptr<redis::connector> at_;  // other owners: dials under way when the primary moves
};

}  // namespace headroom::redis
