// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <fmt/format.h>

namespace headroom {

std::string error::what() const {
    if (!code) return detail;
    if (detail.empty()) return fmt::format("{}: {}", code.category().name(), code.message());
    return fmt::format("{} ({}: {})", detail, code.category().name(), code.message());
}

}  // namespace headroom
