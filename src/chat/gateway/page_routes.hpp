// SPDX-License-Identifier: Apache-2.0
// Serves the page's files from memory, with the rules a browser must keep. Not what is in them.
#pragma once

#include <vector>

#include "chat/gateway/gateway.hpp"
#include "chat/http/router.hpp"

namespace headroom::chat {

void add_page_routes(http::router& routes, const std::vector<page_file>& files);

}  // namespace headroom::chat
