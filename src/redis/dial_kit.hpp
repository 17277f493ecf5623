// SPDX-License-Identifier: Apache-2.0
// What both drivers bring along to each dial: credentials asked for anew, TLS by the endpoint's
// options, socket options. Opens nothing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "net/tcp_options.hpp"
#include "net/tls_context.hpp"
#include "net/tls_session.hpp"
#include "pool/core/pool_core.hpp"
#include "redis/core/handshake.hpp"
#include "redis/endpoint.hpp"

namespace headroom::redis {

// Called at each dial, on the thread that dials: it must not block. An error is a failed dial.
using credentials_source = std::function<result<credentials>()>;

struct dial_options {
    endpoint server;
    std::string client_name;
    credentials_source ask_credentials = {};  // empty: those of the endpoint
    net::tcp_options tcp = {};
};

// Used by the one thread that dials.
class dial_kit {
public:
    explicit dial_kit(dial_options options) : options_(std::move(options)) {}

    [[nodiscard]] const endpoint& server() const { return options_.server; }
    [[nodiscard]] const net::tcp_options& tcp() const { return options_.tcp; }

    // The error names the source of the credentials, and holds none.
    [[nodiscard]] result<handshake_request> request();
    // Null where the endpoint asks for no TLS. Certificate files are read at the first dial, and
    // again when they have changed. `host`: whom the session is with; errors are tls_failed.
    [[nodiscard]] result<std::unique_ptr<net::tls_session>> start_tls(const std::string& host);

private:
    dial_options options_;
    std::shared_ptr<net::tls_context> context_;
};

// How a dial's failure in net/ is called here.
[[nodiscard]] error to_dial_error(const error& from_net);
// Rights and certificates need somebody to mend them; all else is worth another try.
[[nodiscard]] pool::open_failure classify_dial_error(const error& why) noexcept;

}  // namespace headroom::redis
