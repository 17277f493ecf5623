// SPDX-License-Identifier: Apache-2.0
// Errors of store, queue, relay and pools as the answers a client gets. Their details are for the
// log.
#pragma once

#include "base/error.hpp"
#include "chat/http/message.hpp"

namespace headroom::chat {

[[nodiscard]] http::response to_response(const error& why);

}  // namespace headroom::chat
