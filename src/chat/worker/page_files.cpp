// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/page_files.hpp"

#include "chat/http/web_files.hpp"

namespace headroom::chat {

std::vector<page_file> page_files() {
    std::vector<page_file> files;
    for (const auto& each : http::web_files())
        files.push_back({each.path, each.content_type, each.body, each.etag});
    return files;
}

}  // namespace headroom::chat
