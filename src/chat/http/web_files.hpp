// SPDX-License-Identifier: Apache-2.0
// The files of the page, as the build embedded them from web/. Not who serves them.
#pragma once

#include <span>
#include <string_view>

namespace headroom::chat::http {

struct web_file {
    std::string_view path;  // "/style.css"; index.html is "/"
    std::string_view content_type;
    std::string_view body;
    std::string_view etag;  // strong, with its quotes; changes with the body
};

[[nodiscard]] std::span<const web_file> web_files();

}  // namespace headroom::chat::http
