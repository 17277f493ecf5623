// SPDX-License-Identifier: Apache-2.0
// Opens named, set-up Postgres connections for a pool: resolves names, dials, runs the session's
// settings. Included by .cpp files only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "pool/connection.hpp"
#include "postgres/libpq_connection.hpp"

namespace headroom::postgres {

class connector final : public pool::connector {
public:
    connector(connection_options given, std::string application_name,
              std::vector<std::string> session_settings);

    [[nodiscard]] boost::asio::awaitable<result<std::unique_ptr<pool::connection>>> open(
        deadline by) override;
    [[nodiscard]] pool::open_failure classify(const error& why) const noexcept override;

private:
    connection_options options_;
    std::vector<std::string> session_settings_;
};

}  // namespace headroom::postgres
