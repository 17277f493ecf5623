// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_options.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

namespace headroom::net {

namespace {

using std::chrono::milliseconds;

constexpr clock::duration attempt_least = milliseconds(250);
// Load balancers forget idle connections after as little as 350 s.
constexpr int keepalive_idle_seconds = 60;
constexpr int keepalive_interval_seconds = 10;
constexpr int keepalive_probes = 3;

void set_option(int descriptor, int level, int name, int value) {
    (void)::setsockopt(descriptor, level, name, &value, sizeof value);
}

}  // namespace

void tune_tcp(int descriptor, const tcp_options& options) {
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_seconds);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_seconds);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
    const auto wanted = std::chrono::ceil<milliseconds>(options.user_timeout).count();
    const auto most = static_cast<milliseconds::rep>(std::numeric_limits<int>::max());
    set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT,
               static_cast<int>(std::clamp<milliseconds::rep>(wanted, 0, most)));
}

deadline share_of(deadline by, clock::time_point now, std::size_t addresses_left) {
    if (addresses_left <= 1 || by <= now) return by;
    const auto share = (by - now) / static_cast<clock::duration::rep>(addresses_left);
    return std::min(by, now + std::max<clock::duration>(share, attempt_least));
}

}  // namespace headroom::net
