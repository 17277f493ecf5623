// SPDX-License-Identifier: Apache-2.0
// One TLS session of a client, without a socket: ciphertext in, plaintext out, and the other way
// round. Who moves the ciphertext is tls_transfer.hpp, tls_handshake.hpp or a driver.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace headroom::net {

// Used by one thread at a time. Errors are net_errc::tls_failed, but for a connection that ended.
// After an error there may still be an alert to_send(); nothing else is of use.
class tls_session {
public:
    // By tls_context::start.
    tls_session(ssl_ctx_st* context, std::string name, bool verifies_peer);
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    // What the peer sent, as it came. Copied.
    void feed(std::string_view ciphertext);

    // One step of the handshake, then send what is to_send(). True: the session stands. False: feed
    // it with more.
    [[nodiscard]] result<bool> advance();

    // Decrypts; 0: there is no more until it is fed, or has_ended().
    [[nodiscard]] result<std::size_t> read(std::span<char> into);
    // read() may give something without being fed.
    [[nodiscard]] bool has_unread() const { return has_unread_; }
    // The peer has said that it sends no more (close_notify).
    [[nodiscard]] bool has_ended() const { return has_ended_; }

    // Encrypts all of it.
    [[nodiscard]] result<void> write(std::string_view plaintext);
    // Says that we send no more.
    void close();

    // Ciphertext for the peer, oldest first.
    [[nodiscard]] std::string_view to_send() const {
        return std::string_view(out_).substr(out_at_);
    }
    void on_sent(std::size_t bytes);

    // Of a socket whose peer has closed it. Before close_notify it may have been cut by anybody
    // (RFC 8446, 6.1).
    [[nodiscard]] error end_of_stream() const;

private:
    struct free_session {
        void operator()(ssl_st* session) const;
    };
    void collect_output();
    [[nodiscard]] error explain(int code);
    // OpenSSL keeps the chain that it refuses only while it looks at it.
    static int on_verified(int is_right, x509_store_ctx_st* of);
    [[nodiscard]] std::string explain_certificate(x509_store_ctx_st* of) const;

    std::string name_;
    std::string refusal_;  // why the server's certificate was not accepted
    std::unique_ptr<ssl_st, free_session> session_;
    std::string out_;
    std::size_t out_at_ = 0;
    bool is_established_ = false;
    bool has_unread_ = false;
    bool has_ended_ = false;
};

}  // namespace headroom::net
