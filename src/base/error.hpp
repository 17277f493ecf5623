// SPDX-License-Identifier: Apache-2.0
// Errors are values: a code that programs compare and a detail that people read.
#pragma once

#include <expected>
#include <string>
#include <system_error>

namespace headroom {

struct error {
    std::error_code code;
    std::string detail;  // for people; never parsed, never holds a secret

    // "detail (category: message)", or whichever of the two there is.
    [[nodiscard]] std::string what() const;
};

template <class T>
using result = std::expected<T, error>;

// std::unexpected(error{...}) with less noise; `code` is an error code enumeration or a
// std::error_code.
template <class Code>
[[nodiscard]] std::unexpected<error> failure(Code code, std::string detail = {}) {
    return std::unexpected(error{std::error_code(code), std::move(detail)});
}

}  // namespace headroom
