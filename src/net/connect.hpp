// SPDX-License-Identifier: Apache-2.0
// Opens stream sockets: TCP by name, unix by path. Not TLS: tls_handshake.hpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "net/net_error.hpp"
#include "net/tcp_options.hpp"

namespace headroom::net {

using stream_socket = boost::asio::generic::stream_protocol::socket;

// The addresses of a name, in the resolver's order, as text. Asked anew at each call: a failover
// changes them.
[[nodiscard]] boost::asio::awaitable<result<std::vector<std::string>>> resolve(std::string host,
                                                                               std::uint16_t port,
                                                                               deadline by);

// Resolves, anew at each call, and tries the addresses in order until one accepts or `by` passes;
// each gets its share_of() the time. The error says how each address failed.
[[nodiscard]] boost::asio::awaitable<result<stream_socket>> connect_tcp(std::string host,
                                                                        std::uint16_t port,
                                                                        deadline by,
                                                                        tcp_options tuning = {});
[[nodiscard]] boost::asio::awaitable<result<stream_socket>> connect_unix(std::string path,
                                                                         deadline by);

// Reads `descriptor` to its end and closes it: returns when the peer has let go (true) or `by` has
// passed (false).
[[nodiscard]] boost::asio::awaitable<bool> read_to_end(int descriptor, deadline by);

}  // namespace headroom::net
