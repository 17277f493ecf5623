// SPDX-License-Identifier: Apache-2.0
// The handshake of a TLS session over an asynchronous socket.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/error.hpp"
#include "base/time.hpp"
#include "net/connect.hpp"
#include "net/tls_session.hpp"

namespace headroom::net {

// Returns once the session stands. The socket is the caller's, also after an error. Both outlive
// it.
[[nodiscard]] boost::asio::awaitable<result<void>> shake_hands(stream_socket& socket,
                                                               tls_session& session, deadline by);

// Both drivers' words for a peer that is silent: Redis waits for the end of a line in what is
// meant as TLS, and says nothing.
inline constexpr const char* silent_to_tls =
    "the server did not answer in the TLS handshake: it may speak no TLS on this port";

}  // namespace headroom::net
