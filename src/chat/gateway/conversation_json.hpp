// SPDX-License-Identifier: Apache-2.0
// Conversations as GET /conversations shows them.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "chat/store/chat_store.hpp"

namespace headroom::chat {

[[nodiscard]] boost::json::array to_json(const std::vector<conversation_summary>& list);
[[nodiscard]] boost::json::object to_json(const conversation& of);

}  // namespace headroom::chat
