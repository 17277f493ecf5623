// SPDX-License-Identifier: Apache-2.0
// A server by name or address, and its port.
#pragma once

#include <cstdint>
#include <string>

namespace headroom::redis {

struct host_and_port {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const host_and_port&) const = default;
};

// "host:port", an IPv6 address in brackets.
[[nodiscard]] inline std::string to_string(const host_and_port& where) {
    const bool is_ipv6 = where.host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

}  // namespace headroom::redis
