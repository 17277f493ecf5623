// SPDX-License-Identifier: Apache-2.0
// libpq's lists of hosts and ports with every name replaced by its addresses, because libpq's own
// look-up would block the event loop.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/error.hpp"
#include "base/time.hpp"
#include "postgres/libpq_connection.hpp"

namespace headroom::postgres {

// The options with `host`, `hostaddr` and `port` as lists of equal length, an entry for each
// address; `host` stays for TLS and the password file. Unix socket folders have no address. Without
// `host`, or with `hostaddr` given, the options are unchanged.
[[nodiscard]] boost::asio::awaitable<result<connection_options>> with_addresses(
    connection_options options, deadline by);

}  // namespace headroom::postgres
