// SPDX-License-Identifier: Apache-2.0
// What this build calls itself.
#pragma once

#include <string_view>

namespace headroom {

inline constexpr std::string_view version = "0.1.0";

}  // namespace headroom
