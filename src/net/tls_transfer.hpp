// SPDX-License-Identifier: Apache-2.0
// Moves the ciphertext of an established TLS session through a socket, without blocking: what
// send(2) and recv(2) are to a plain one.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "net/tls_session.hpp"

namespace headroom::net {

// Like send(2): how many bytes were taken, or -1 with errno (EAGAIN: the socket takes none now). A
// byte is taken once it is encrypted, because any part of its record may have left; what of it is
// still to_send() goes with the next call, also with one of no bytes.
[[nodiscard]] ssize_t send_encrypted(tls_session& through, int descriptor,
                                     std::string_view plaintext);

// Sends what is to_send(): true when nothing is left, false with errno.
[[nodiscard]] bool send_pending(tls_session& of, int descriptor);

// Feeds what has come: like recv(2), but the bytes are read() from the session.
[[nodiscard]] ssize_t receive_ciphertext(tls_session& into, int descriptor);

// Neither ended nor holding bytes that nobody asked for; no round trip. What the session's own
// messages bring, session tickets of TLS 1.3 for example, is no such byte, so it is decrypted.
[[nodiscard]] bool is_quiet(tls_session& through, int descriptor);

// Says that the session ends, as far as the socket takes it at once.
void send_close(tls_session& of, int descriptor);

}  // namespace headroom::net
