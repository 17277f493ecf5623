// SPDX-License-Identifier: Apache-2.0
// What the TLS sessions with one server share: trust, our own certificate, the versions allowed.
// Does no I/O but to read its files. OpenSSL's types stay behind tls_context and tls_session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/tls_options.hpp"

struct ssl_ctx_st;

namespace headroom::net {

class tls_session;

// TLS 1.2 and newer, no renegotiation, no compression, no session resumption: each session verifies
// the chain. Used by one thread at a time.
class tls_context {
public:
    // The error is net_errc::tls_failed and says which file is wrong and how.
    [[nodiscard]] static result<std::shared_ptr<tls_context>> create(const tls_options& options);
    ~tls_context();
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;

    // A session with `host`, or with options.server_name in its stead. Names are asked for by SNI
    // (RFC 6066: not addresses) and looked for in the certificate, addresses too (RFC 6125).
    [[nodiscard]] result<std::unique_ptr<tls_session>> start(const std::string& host) const;

    // One of its files has changed since it was read: certificates are renewed under running
    // services.
    [[nodiscard]] bool is_stale() const;

private:
    struct file_stamp {
        std::string path;
        std::int64_t changed_ns = 0;
        std::uint64_t inode = 0;
        std::int64_t size = 0;
        bool operator==(const file_stamp&) const = default;
    };
    explicit tls_context(tls_options options);
    [[nodiscard]] static file_stamp stamp_of(const std::string& path);
    [[nodiscard]] result<void> load_authorities();
    [[nodiscard]] result<void> load_certificate();

    struct free_context {
        void operator()(ssl_ctx_st* context) const;
    };
    tls_options options_;
    std::unique_ptr<ssl_ctx_st, free_context> context_;
    std::vector<file_stamp> stamps_;
};

}  // namespace headroom::net
