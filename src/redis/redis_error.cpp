// SPDX-License-Identifier: Apache-2.0
#include "redis/redis_error.hpp"

#include <string>

#include "redis/core/server_reactions.hpp"

namespace headroom::redis {

namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "redis"; }
    std::string message(int value) const override {
        switch (static_cast<redis_errc>(value)) {
            case redis_errc::server_error:
                return "the server answered with an error";
            case redis_errc::refused:
                return "the server refused the command before executing it";
            case redis_errc::not_sent:
                return "the command was not sent";
            case redis_errc::unknown:
                return "the command was sent but not answered: it may have run";
            case redis_errc::protocol_error:
                return "the server's answer makes no sense";
            case redis_errc::not_text:
                return "a reply is not valid UTF-8";
            case redis_errc::connect_failed:
                return "no connection to the server";
            case redis_errc::auth_failed:
                return "the server does not accept our credentials";
            case redis_errc::tls_failed:
                return "no TLS session with the server";
            case redis_errc::closed:
                return "the client is closed";
            case redis_errc::unexpected_reply:
                return "the reply is not of the kind this command gives";
            case redis_errc::queue_full:
                return "the command was not sent: the queue is full";
            case redis_errc::not_allowed:
                return "the command cannot run on this connection";
            case redis_errc::conflict:
                return "a watched key was changed: nothing of the transaction has run";
        }
        return "unknown";
    }
};

}  // namespace

const std::error_category& redis_category() noexcept {
    static const category instance;
    return instance;
}

outcome outcome_of(redis_errc code) noexcept {
    switch (code) {
        case redis_errc::server_error:
        // It ran; only its reply is of no use to the caller.
        case redis_errc::not_text:
        case redis_errc::unexpected_reply:
            return outcome::server_error;
        case redis_errc::refused:
        case redis_errc::conflict:
            return outcome::refused;
        case redis_errc::unknown:
        case redis_errc::protocol_error:
            return outcome::unknown;
        case redis_errc::not_sent:
        case redis_errc::connect_failed:
        case redis_errc::auth_failed:
        case redis_errc::tls_failed:
        case redis_errc::closed:
        case redis_errc::queue_full:
        case redis_errc::not_allowed:
            return outcome::not_sent;
    }
    return outcome::unknown;
}

outcome outcome_of(const std::error_code& code) noexcept {
    if (code.category() != redis_category()) return outcome::not_sent;
    return outcome_of(static_cast<redis_errc>(code.value()));
}

redis_errc classify_server_error(std::string_view message) noexcept {
    return outcome_of_message(message) == outcome::refused ? redis_errc::refused
                                                           : redis_errc::server_error;
}

}  // namespace headroom::redis
