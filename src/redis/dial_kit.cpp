// SPDX-License-Identifier: Apache-2.0
#include "redis/dial_kit.hpp"

#include <exception>
#include <utility>

#include "net/net_error.hpp"
#include "redis/redis_error.hpp"

namespace headroom::redis {

namespace {

result<credentials> ask(const credentials_source& source) {
    try {
        return source();
    } catch (const std::exception& thrown) {  // it is not ours, and a dial throws nothing
        return failure(std::error_code(), thrown.what());
    }
}

}  // namespace

result<handshake_request> dial_kit::request() {
    handshake_request asked{.username = options_.server.username,
                            .password = options_.server.password,
                            .name = options_.client_name,
                            .database = options_.server.database};
    if (!options_.ask_credentials) return asked;
    auto given = ask(options_.ask_credentials);
    if (!given) {
        return failure(redis_errc::connect_failed,
                       "the credentials for this dial could not be had: " + given.error().what());
    }
    asked.username = std::move(given->username);
    asked.password = std::move(given->password);
    return asked;
}

result<std::unique_ptr<net::tls_session>> dial_kit::start_tls(const std::string& host) {
    if (!options_.server.tls) return nullptr;
    if (!context_ || context_->is_stale()) {
        auto made = net::tls_context::create(*options_.server.tls);
        if (!made) return failure(redis_errc::tls_failed, std::move(made.error().detail));
        context_ = std::move(*made);
    }
    auto session = context_->start(host);
    if (!session) return failure(redis_errc::tls_failed, std::move(session.error().detail));
    return session;
}

error to_dial_error(const error& from_net) {
    const bool is_tls = from_net.code == net::net_errc::tls_failed;
    return {is_tls ? redis_errc::tls_failed : redis_errc::connect_failed,
            is_tls ? from_net.detail : from_net.what()};
}

pool::open_failure classify_dial_error(const error& why) noexcept {
    const bool needs_somebody =
        why.code == redis_errc::auth_failed || why.code == redis_errc::tls_failed;
    return needs_somebody ? pool::open_failure::permanent : pool::open_failure::transient;
}

}  // namespace headroom::redis
