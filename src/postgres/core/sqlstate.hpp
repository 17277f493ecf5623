// SPDX-License-Identifier: Apache-2.0
// What a SQLSTATE means for the statement, for its connection and for opening another one. Not the
// error codes of callers: postgres_error.hpp.
// Codes: https://www.postgresql.org/docs/15/errcodes-appendix.html
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::postgres {

enum class sqlstate_class : std::uint8_t {
    statement,         // the statement's own fault; the connection is fine
    unique_violation,  // 23505
    read_only,         // 25006: not the primary; the connection is of no use to writers
    connection,        // 08xxx, 57P0x: the session is ending
    not_permitted,     // 28xxx, 3D000: as a refusal to connect, final
    not_now,           // 53300, 57P03: as a refusal to connect, transient
};

[[nodiscard]] sqlstate_class classify_sqlstate(std::string_view sqlstate) noexcept;

// The connection must not be used again after an error of this class.
[[nodiscard]] bool evicts(sqlstate_class what) noexcept;

// The last SQLSTATE in libpq's verbose text of a failed connect ("FATAL:  28P01: password ..."),
// whatever the language of the words around it; empty when there is none.
[[nodiscard]] std::string_view find_sqlstate(std::string_view verbose_message) noexcept;

}  // namespace headroom::postgres
