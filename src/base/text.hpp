// SPDX-License-Identifier: Apache-2.0
// Questions about bytes that came from outside, and how to show them. Not a string library.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace headroom {

// Well-formed UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view bytes);

// Not empty, and every byte is one of '!'..'~': safe as a client name, a key part, a log word.
[[nodiscard]] bool is_visible_ascii(std::string_view text);

// Two lower-case digits a byte.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

// For logs and errors: whatever stands before the *last* '@' becomes "***" (a password may hold an
// '@'), a query becomes "?***", and an authority that is no host and port is hidden whole, as it
// may be a misplaced password.
[[nodiscard]] std::string mask_url(std::string_view url);

// For logs and errors: at most `bytes_max` bytes, cut between characters and marked so; control
// characters and bytes that are no UTF-8 become '?'.
[[nodiscard]] std::string printable_excerpt(std::string_view text, std::size_t bytes_max = 120);

}  // namespace headroom
