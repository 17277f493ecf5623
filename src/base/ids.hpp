// SPDX-License-Identifier: Apache-2.0
// Identifiers nobody can guess, from the kernel's random source. Not for simulations, which must be
// repeatable.
#pragma once

#include <cstddef>
#include <string>

namespace headroom {

// `bytes` random bytes as lower-case hex, twice as many characters. At most 256 bytes.
[[nodiscard]] std::string random_hex(std::size_t bytes);

// 128 random bits as 32 lower-case hex digits.
[[nodiscard]] std::string random_id();

// A version 4 UUID (RFC 9562): 122 random bits as 8-4-4-4-12 lower-case hex digits.
[[nodiscard]] std::string random_uuid();

}  // namespace headroom
