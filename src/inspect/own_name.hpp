// SPDX-License-Identifier: Apache-2.0
// How the tool's own connections are called on the servers, so that holders shows them as such.
#pragma once

#include <string>

namespace headroom::inspect {

// "headroom:<host>:<pid>:tool"
[[nodiscard]] std::string own_name();

}  // namespace headroom::inspect
