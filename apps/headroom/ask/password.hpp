// SPDX-License-Identifier: Apache-2.0
// A password typed on the terminal, without showing it.
#pragma once

#include <string>

namespace headroom::tool {

// Empty when there is no terminal, or nothing was typed.
[[nodiscard]] std::string read_password(const std::string& prompt);

}  // namespace headroom::tool
