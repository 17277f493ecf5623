// SPDX-License-Identifier: Apache-2.0
#include "postgres/postgres_error.hpp"

#include <string>

namespace headroom::postgres {

namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "postgres"; }
    std::string message(int value) const override {
        switch (static_cast<postgres_errc>(value)) {
            case postgres_errc::server_error:
                return "the statement failed";
            case postgres_errc::unique_violation:
                return "a row with this key exists already";
            case postgres_errc::connect_failed:
                return "no connection to the server";
            case postgres_errc::auth_failed:
                return "the server does not accept our credentials or has no such database";
            case postgres_errc::connection_lost:
                return "the connection was lost: the statement may have run";
            case postgres_errc::timeout:
                return "not answered before the deadline: the statement may have run";
            case postgres_errc::not_sent:
                return "the deadline had passed before the statement was sent";
            case postgres_errc::closed:
                return "the pool is closed";
            case postgres_errc::unexpected_result:
                return "the result is not of the shape this caller expects";
            case postgres_errc::migration_failed:
                return "the schema could not be brought up to date";
            case postgres_errc::read_only:
                return "the server is read-only: it is not the primary";
            case postgres_errc::bad_settings:
                return "the settings of the connection are wrong";
            case postgres_errc::bad_parameter:
                return "what was given cannot be sent to the server";
            case postgres_errc::cancelled:
                return "the caller gave up: the statement may have run";
        }
        return "unknown";
    }
};

}  // namespace

const std::error_category& postgres_category() noexcept {
    static const category instance;
    return instance;
}

}  // namespace headroom::postgres
