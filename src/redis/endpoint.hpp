// SPDX-License-Identifier: Apache-2.0
// Where a Redis server is and how to enter it. Not how the address was configured: that is config/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/tls_options.hpp"
#include "redis/core/host_and_port.hpp"

namespace headroom::redis {

using net::tls_options;

// Who enters the server.
struct credentials {
    std::string username;  // ACL user; empty: default
    std::string password;  // empty: no AUTH
};

// Sentinels that know where the primary is.
// https://redis.io/docs/latest/develop/reference/sentinel-clients/
struct sentinel_options {
    std::vector<host_and_port>
        sentinels;             // asked in this order; one that answers moves to the front
    std::string primary_name;  // as the sentinels call it
    std::string username;      // of the sentinels themselves
    std::string password;
};

struct endpoint {
    std::string host = {};  // empty when unix_path is set
    std::uint16_t port = 6379;
    std::string unix_path = {};  // a socket in the file system
    std::string username = {};   // ACL user; empty: default
    std::string password = {};   // empty: no AUTH
    std::uint32_t database = 0;
    std::optional<tls_options> tls = {};            // TLS from the first byte (rediss://)
    std::optional<sentinel_options> sentinel = {};  // then host and port are not used
};

// The same server settings at another address: how a primary is dialled that sentinels told of.
[[nodiscard]] endpoint at_address(endpoint from, const host_and_port& where);

// "host:port", the socket's path, or "primary 'shop' of sentinels a:26379,b:26379"; never
// credentials.
[[nodiscard]] std::string to_string(const endpoint& where);

}  // namespace headroom::redis
