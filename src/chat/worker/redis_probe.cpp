// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/redis_probe.hpp"

#include <string>
#include <utility>

#include "redis/typed_call.hpp"

namespace headroom::chat {

namespace asio = boost::asio;
using health::reachability;

namespace {

// LOADING, BUSY and their like come from a server that answers.
reachability judge(const error& why) {
    return why.code == redis::redis_errc::refused || why.code == redis::redis_errc::server_error
               ? reachability::degraded
               : reachability::down;
}

}  // namespace

// What the server says now counts: nothing is tried again.
asio::awaitable<health::probe_result> probe_redis(redis::client& through, pool::owner_id owner,
                                                  deadline by) {
    auto pong = co_await redis::run(through, redis::commands::ping(), {owner, by, false});
    if (!pong) {
        const auto outcome = judge(pong.error());
        co_return health::probe_result{outcome, std::move(pong.error())};
    }

    auto role = co_await redis::run(through, redis::commands::role(), {owner, by, false});
    if (!role) {
        // An ACL without ROLE, or a proxy that answers something else: PING alone.
        const auto& code = role.error().code;
        const bool tells_nothing =
            code == redis::redis_errc::server_error || code == redis::redis_errc::unexpected_reply;
        if (tells_nothing) co_return health::probe_result{};
        const auto outcome = judge(role.error());
        co_return health::probe_result{outcome, std::move(role.error())};
    }
    if (*role == "master") co_return health::probe_result{};
    co_return health::probe_result{reachability::degraded,
                                   error{redis::redis_errc::refused, "the server is a " + *role}};
}

}  // namespace headroom::chat
