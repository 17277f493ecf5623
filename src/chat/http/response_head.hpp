// SPDX-License-Identifier: Apache-2.0
// The head of a response as it is written. Not the body.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "chat/http/message.hpp"

namespace headroom::chat::http {

struct head_options {
    bool closes = false;     // no request follows on this connection
    bool is_stream = false;  // the body's length is not known: it ends with the connection
    std::optional<std::chrono::system_clock::time_point> date = {};  // when it is sent
};

[[nodiscard]] std::string response_head(const response& of, head_options options);

}  // namespace headroom::chat::http
