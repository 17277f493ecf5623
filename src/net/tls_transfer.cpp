// SPDX-License-Identifier: Apache-2.0
#include "net/tls_transfer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace headroom::net {

namespace {
// Bounds what is encrypted ahead of a slow socket.
constexpr std::size_t encrypted_at_once = 64 * 1024;
constexpr std::size_t received_at_once = 16 * 1024;
}  // namespace

bool send_pending(tls_session& of, int descriptor) {
    while (!of.to_send().empty()) {
        const auto bytes = of.to_send();
        const auto n = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        of.on_sent(static_cast<std::size_t>(n));
    }
    return true;
}

ssize_t send_encrypted(tls_session& through, int descriptor, std::string_view plaintext) {
    if (!send_pending(through, descriptor)) return -1;
    const auto slice = plaintext.substr(0, encrypted_at_once);
    if (!through.write(slice)) {
        errno = EPROTO;
        return -1;
    }
    // If it cannot leave now, the next call says so.
    (void)send_pending(through, descriptor);
    return static_cast<ssize_t>(slice.size());
}

ssize_t receive_ciphertext(tls_session& into, int descriptor) {
    std::array<char, received_at_once> buffer;
    const auto n = ::recv(descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) into.feed({buffer.data(), static_cast<std::size_t>(n)});
    return n;
}

bool is_quiet(tls_session& through, int descriptor) {
    for (;;) {
        std::array<char, 1> byte;
        const auto got = through.read(byte);
        if (!got || *got > 0 || through.has_ended()) return false;
        const auto n = receive_ciphertext(through, descriptor);
        if (n == 0) return false;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    }
}

void send_close(tls_session& of, int descriptor) {
    of.close();
    (void)send_pending(of, descriptor);
}

}  // namespace headroom::net
