// SPDX-License-Identifier: Apache-2.0
// How reaching a server fails, before any protocol is spoken.
#pragma once

#include <system_error>

namespace headroom::net {

enum class net_errc {
    resolve_failed = 1,
    connect_failed,
    timeout,
    path_too_long,  // a unix socket path has at most 107 bytes
    tls_failed,     // a certificate or file that is not accepted, or no TLS: until somebody acts
};

[[nodiscard]] const std::error_category& net_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(net_errc code) noexcept {
    return {static_cast<int>(code), net_category()};
}

}  // namespace headroom::net

template <>
struct std::is_error_code_enum<headroom::net::net_errc> : std::true_type {};
