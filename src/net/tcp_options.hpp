// SPDX-License-Identifier: Apache-2.0
// What both drivers, asynchronous and blocking, do alike with a TCP socket they dial: its options,
// and how long each of several addresses may take. Opens nothing.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/time.hpp"

namespace headroom::net {

struct tcp_options {
    // TCP_USER_TIMEOUT: bytes that the peer has not acknowledged for so long end the connection.
    // The kernel's own limit is some 15 minutes (tcp(7), tcp_retries2). 0: the kernel's.
    clock::duration user_timeout = std::chrono::seconds(20);
};

// NODELAY, TCP_USER_TIMEOUT, and keepalive: after 60 s without a byte three probes, 10 s apart.
// Before the connect, so that no byte goes without them.
void tune_tcp(int descriptor, const tcp_options& options);

// Until when the first of `addresses_left` addresses may take: an equal share of the time left, at
// least 250 ms, so that an address that swallows everything leaves time for the others. One after
// the other, not staggered as RFC 8305 has it: two connections of one dial would count twice
// at the server.
[[nodiscard]] deadline share_of(deadline by, clock::time_point now, std::size_t addresses_left);

}  // namespace headroom::net
