// SPDX-License-Identifier: Apache-2.0
// A connected stream socket for one thread at a time: never blocks but in wait(), which knows a
// deadline. TCP or unix. Not the protocol spoken on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/time.hpp"
#include "net/tcp_options.hpp"
#include "net/tls_session.hpp"
#include "redis/endpoint.hpp"

namespace headroom::redis {

class blocking_socket {
public:
    // Resolves the name anew and tries its addresses in order, each for its net::share_of() the
    // time. The error is connect_failed with the address in its detail. Plain until secure().
    [[nodiscard]] static result<blocking_socket> connect(const endpoint& server, deadline by,
                                                         const net::tcp_options& tuning = {});
    // The TLS handshake; from then on all bytes go through `session`. Null: it stays plain. The
    // error is tls_failed or connect_failed.
    [[nodiscard]] result<void> secure(std::unique_ptr<net::tls_session> session, deadline by);

    blocking_socket() = default;
    explicit blocking_socket(int descriptor) : fd_(descriptor) {}
    blocking_socket(blocking_socket&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
    blocking_socket& operator=(blocking_socket&& other) noexcept;
    ~blocking_socket();

    // How many bytes were taken, with TLS: encrypted; 0 when none can be now. A failure to send is
    // no error here: what the peer said before it hung up may still be there to read.
    [[nodiscard]] std::size_t send_some(std::string_view bytes);
    // How many bytes came; 0 when there are none now. The peer's end is an error.
    [[nodiscard]] result<std::size_t> receive_some(std::span<char> into);
    // Until the socket can be read, or also written; the error is `unknown`: the deadline has
    // passed, or poll(2) failed. What TLS has encrypted and not yet sent is sent meanwhile. Returns
    // too when `also`, another descriptor, can be read.
    enum class readiness : std::uint8_t { to_read, to_read_or_write };
    [[nodiscard]] result<void> wait(readiness wanted, deadline by, int also = -1);

    // Neither ended nor holding bytes nobody asked for; one peek.
    [[nodiscard]] bool is_quiet() noexcept;
    // Fails what another thread does with it now and later. From any thread.
    void abort() noexcept;
    // What broke the TLS session; empty where nothing has, or there is none.
    [[nodiscard]] const std::string& tls_fault() const { return tls_fault_; }
    // Says that we are done and hands the descriptor over; -1 where there is none.
    [[nodiscard]] int release_half_closed() noexcept;

private:
    [[nodiscard]] result<std::size_t> receive_decrypted(std::span<char> into);

    int fd_ = -1;
    std::unique_ptr<net::tls_session> tls_;
    std::string tls_fault_;
};

// Reads to the end of `descriptor` and closes it: until the peer has let go, or `by` has passed.
void wait_for_release(int descriptor, deadline by);

}  // namespace headroom::redis
