// SPDX-License-Identifier: Apache-2.0
// PUBLISH that cannot vanish on a demoted primary. PUBLISH itself is no write to Redis: a replica
// answers :0, and nobody on the primary's side hears the message. Through a script that is declared
// to write, a replica answers READONLY before anything runs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "redis/client.hpp"
#include "redis/script.hpp"

namespace headroom::redis {

struct guard_options {
    // Servers before 7.0 know no `#!lua` flags; found out at the first publication. There the
    // script deletes this key first, which never exists: a write, which a replica refuses.
    bool knows_script_flags = true;
    std::string key = "headroom:publish-guard";
};

// Event loop only. `through` outlives it.
class guarded_publisher {
public:
    explicit guarded_publisher(client& through, guard_options options = {});

    // Gives how many connections of this server heard it. Errors are those of client::execute,
    // READONLY and its like tried again inside the deadline; `unknown` is never repeated: it may
    // have been heard. A server out of memory publishes. One that cannot write to its disk
    // (MISCONF), or has lost its replicas where it must have some (NOREPLICAS), refuses, although
    // PUBLISH alone would be heard by those who are connected to it.
    [[nodiscard]] boost::asio::awaitable<result<std::uint64_t>> publish(std::string channel,
                                                                        std::string payload,
                                                                        call how);

private:
    [[nodiscard]] boost::asio::awaitable<result<value>> publish_before_7(
        std::vector<std::string> arguments, call how);

    client& through_;
    guard_options options_;
    script guarded_;
    script guarded_before_7_;
};

}  // namespace headroom::redis
