// SPDX-License-Identifier: Apache-2.0
#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace headroom {

void assertion_failed(const char* condition, std::string_view message, const char* file,
                      int line) noexcept {
    std::fprintf(stderr, "%s:%d: assertion failed: %s: %.*s\n", file, line, condition,
                 static_cast<int>(message.size()), message.data());
    std::fflush(stderr);
    std::abort();
}

}  // namespace headroom
