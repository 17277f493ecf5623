// SPDX-License-Identifier: Apache-2.0
// The page that is built into this executable, as the gateway serves it.
#pragma once

#include <vector>

#include "chat/gateway/gateway.hpp"

namespace headroom::chat {

[[nodiscard]] std::vector<page_file> page_files();

}  // namespace headroom::chat
