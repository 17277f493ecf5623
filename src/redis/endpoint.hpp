// SPDX-License-Identifier: Apache-2.0
// Where a Redis server is and how to enter it. Not how the address was configured: that is config/.
#pragma once

#include <cstdint>
#include <string>

namespace headroom::redis {

struct endpoint {
    std::string host;  // empty when unix_path is set
    std::uint16_t port = 6379;
    std::string unix_path;  // a socket in the file system
    std::string username;   // ACL user; empty: default
    std::string password;   // empty: no AUTH
    std::uint32_t database = 0;
};

// "host:port" or the socket's path; never credentials.
[[nodiscard]] std::string to_string(const endpoint& where);

}  // namespace headroom::redis
