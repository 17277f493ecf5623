// SPDX-License-Identifier: Apache-2.0
// All that a process elsewhere needs to emit into one session's stream: portable, small, and secret
// where it holds the password. Opens nothing.
#pragma once

#include <string>

#include <boost/json/fwd.hpp>

#include "base/error.hpp"
#include "chat/core/key_space.hpp"
#include "redis/endpoint.hpp"

namespace headroom::chat {

struct comm_spec {
    redis::endpoint server;
    std::string name_prefix;   // first part of its connection's name: the service
    std::string execution_id;  // second part
    scope whose;
    std::string session_id;
    std::string conversation_id;
    std::string turn_id;
};

[[nodiscard]] boost::json::object to_json(const comm_spec& spec);
// The error names the member that is wrong, and shows no value.
[[nodiscard]] result<comm_spec> parse_comm_spec(const boost::json::object& text);

}  // namespace headroom::chat
