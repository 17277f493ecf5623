// SPDX-License-Identifier: Apache-2.0
// A broken invariant ends the process, in release builds too; the supervisor starts a new one.
#pragma once

#include <string_view>

namespace headroom {

// Writes the message and where it happened to standard error, then aborts.
[[noreturn]] void assertion_failed(const char* condition, std::string_view message,
                                   const char* file, int line) noexcept;

}  // namespace headroom

// HEADROOM_ASSERT(condition, "what was expected and what was found")
#define HEADROOM_ASSERT(condition, message) \
    (static_cast<bool>(condition)           \
         ? static_cast<void>(0)             \
         : ::headroom::assertion_failed(#condition, (message), __FILE__, __LINE__))
