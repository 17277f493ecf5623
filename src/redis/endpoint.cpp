// SPDX-License-Identifier: Apache-2.0
#include "redis/endpoint.hpp"

namespace headroom::redis {

std::string to_string(const endpoint& where) {
    if (!where.unix_path.empty()) return where.unix_path;
    const bool is_ipv6 = where.host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

}  // namespace headroom::redis
