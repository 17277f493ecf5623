// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/redis_probe.hpp"

#include <string>
#include <utility>

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
    auto pong = co_await through.execute(redis::command("PING"), {owner, by, false});
    if (!pong) {
        const auto outcome = judge(pong.error());
        co_return health::probe_result{outcome, std::move(pong.error())};
    }

    auto role = co_await through.execute(redis::command("ROLE"), {owner, by, false});
    if (!role) {
        const bool is_forbidden = role.error().code == redis::redis_errc::server_error;
        if (is_forbidden) co_return health::probe_result{};  // an ACL without ROLE: PING alone
        const auto outcome = judge(role.error());
        co_return health::probe_result{outcome, std::move(role.error())};
    }
    if (role->items.empty() || role->items.front().text == "master")
        co_return health::probe_result{};
    co_return health::probe_result{
        reachability::degraded,
        error{redis::redis_errc::refused, "the server is a " + role->items.front().text}};
}

}  // namespace headroom::chat
