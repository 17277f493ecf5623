// SPDX-License-Identifier: Apache-2.0
// A Lua script of the service, called by its digest; sent whole when the server does not know it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "redis/client.hpp"

namespace headroom::chat {

class redis_script {
public:
    // `body` begins with `#!lua`, so that the server checks its flags: one that writes is refused
    // by a replica before anything runs.
    explicit redis_script(std::string body);

    [[nodiscard]] boost::asio::awaitable<result<redis::value>> run(
        redis::client& through, std::vector<std::string> keys, std::vector<std::string> arguments,
        redis::call how) const;

private:
    std::string body_;
    std::string digest_;  // SHA-1, as EVALSHA wants it
};

}  // namespace headroom::chat
