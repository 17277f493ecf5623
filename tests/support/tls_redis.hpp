// SPDX-License-Identifier: Apache-2.0
// A private Redis that speaks TLS, beside plain TCP or alone, and the endpoints that reach it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "redis/endpoint.hpp"
#include "support/certificates.hpp"
#include "support/private_redis.hpp"

namespace headroom::test {

class tls_redis : public private_redis {
public:
    // `more` options go to the server as they are: {"--port", "0"} leaves it TLS alone.
    tls_redis(const certificate_authority& authority, const certificate& own,
              bool asks_for_certificates = false, std::vector<std::string> more = {})
        : tls_redis(free_port(), authority, own, asks_for_certificates, std::move(more)) {}

    // By TLS, as a client does it that was told the authority and nothing else.
    [[nodiscard]] redis::endpoint by_tls() const {
        redis::endpoint to{.host = "127.0.0.1", .port = tls_port_};
        to.tls = redis::tls_options{.ca_file = root_file_};
        return to;
    }

    [[nodiscard]] std::uint16_t tls_port() const { return tls_port_; }

private:
    tls_redis(std::uint16_t port, const certificate_authority& authority, const certificate& own,
              bool asks, std::vector<std::string> more)
        : private_redis(with({"--tls-port", std::to_string(port), "--tls-cert-file", own.file,
                              "--tls-key-file", own.key_file, "--tls-ca-cert-file",
                              authority.root_file(), "--tls-auth-clients", asks ? "yes" : "no"},
                             std::move(more))),
          tls_port_(port),
          root_file_(authority.root_file()) {}

    static std::vector<std::string> with(std::vector<std::string> options,
                                         std::vector<std::string> more) {
        options.insert(options.end(), more.begin(), more.end());
        return options;
    }

    std::uint16_t tls_port_;
    std::string root_file_;
};

}  // namespace headroom::test
