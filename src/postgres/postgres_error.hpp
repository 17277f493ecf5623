// SPDX-License-Identifier: Apache-2.0
// How Postgres work fails, as an error code; the server's five-letter SQLSTATE opens the detail.
#pragma once

#include <string_view>
#include <system_error>

#include "base/error.hpp"

namespace headroom::postgres {

enum class postgres_errc {
    server_error = 1,   // the statement failed; the connection is fine
    unique_violation,   // 23505
    connect_failed,     // resolution, connect or start-up; may work later (53300, 57P03, refused)
    auth_failed,        // 28xxx, 3D000: trying again cannot help
    connection_lost,    // while a statement ran: it may have run
    timeout,            // the deadline passed: the connection is closed, the statement may have run
    not_sent,           // the deadline had passed before anything was sent
    closed,             // the pool is closed
    unexpected_result,  // another shape than the caller asked for
    migration_failed,
    read_only,      // 25006: this server is not the primary
    bad_settings,   // the connection's options or session settings: trying again cannot help
    bad_parameter,  // what was given cannot be sent: a zero byte, too many parameters
    cancelled,      // the caller gave up: the connection is closed, the statement may have run
};

[[nodiscard]] const std::error_category& postgres_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(postgres_errc code) noexcept {
    return {static_cast<int>(code), postgres_category()};
}

}  // namespace headroom::postgres

template <>
struct std::is_error_code_enum<headroom::postgres::postgres_errc> : std::true_type {};
