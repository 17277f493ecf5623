// SPDX-License-Identifier: Apache-2.0
// The target of a request line, "/path?name=value", decoded. Not a URL parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat/http/message.hpp"

namespace headroom::chat::http {

struct target {
    std::string path;
    std::vector<name_and_value> query;
};

// Empty when it does not begin with '/', or holds a broken escape or a NUL.
[[nodiscard]] std::optional<target> parse_target(std::string_view text);

}  // namespace headroom::chat::http
