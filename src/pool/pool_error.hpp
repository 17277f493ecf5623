// SPDX-License-Identifier: Apache-2.0
// How an acquire fails, as an error code. One enumerator for each refusal of the core, in the same
// spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "pool/core/pool_core.hpp"

namespace headroom::pool {

enum class pool_errc {
    timeout = 1,
    cancelled,
    queue_full,
    open_failed,
    closed,
};

[[nodiscard]] const std::error_category& pool_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(pool_errc code) noexcept {
    return {static_cast<int>(code), pool_category()};
}
[[nodiscard]] pool_errc to_errc(refusal why) noexcept;

// What the pool looks like now, for the detail of a refusal: sizes, who holds what, the last error
// of an open.
[[nodiscard]] std::string describe(const pool_core& core, std::string_view kind,
                                   const std::optional<error>& last_open_error);

}  // namespace headroom::pool

template <>
struct std::is_error_code_enum<headroom::pool::pool_errc> : std::true_type {};
