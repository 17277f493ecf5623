// SPDX-License-Identifier: Apache-2.0
#include "headroom/ask/asked.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "inspect/postgres_server.hpp"
#include "inspect/redis_server.hpp"

namespace headroom::tool {
namespace {

constexpr std::size_t reason_bytes_max = 300;
constexpr std::string_view ask_chatd =
    "Until there is room again, chatd tells what its workers hold: headroom check (--admin names "
    "its admin port)";

std::unexpected<no_answer> no_redis(error why) {
    const bool full = inspect::is_redis_full(why);
    return std::unexpected(no_answer{full, std::move(why)});
}

std::unexpected<no_answer> no_postgres(error why) {
    const bool full = inspect::is_postgres_full(why);
    return std::unexpected(no_answer{full, std::move(why)});
}

}  // namespace

answer<inspect::redis_limits> ask_redis_limits(const redis_place& at, deadline by) {
    auto server = inspect::redis_server::open(at.where, by);
    if (!server) return no_redis(std::move(server.error()));
    auto limits = server->limits(by);
    if (!limits) return no_redis(std::move(limits.error()));
    return std::move(*limits);
}

answer<inspect::postgres_limits> ask_postgres_limits(const postgres_place& at, deadline by) {
    auto server = inspect::postgres_server::open(at.connection, by);
    if (!server) return no_postgres(std::move(server.error()));
    auto limits = server->limits(by);
    if (!limits) return no_postgres(std::move(limits.error()));
    return std::move(*limits);
}

answer<void> ask_redis_holders(const redis_place& at,
                               const std::function<void(const inspect::holder&)>& each,
                               deadline by) {
    auto server = inspect::redis_server::open(at.where, by);
    if (!server) return no_redis(std::move(server.error()));
    auto listed =
        server->clients([&each](const inspect::redis_client& one) { each(one.held); }, by);
    if (!listed) return no_redis(std::move(listed.error()));
    return {};
}

answer<void> ask_postgres_holders(const postgres_place& at,
                                  const std::function<void(const inspect::holder&)>& each,
                                  deadline by) {
    auto server = inspect::postgres_server::open(at.connection, by);
    if (!server) return no_postgres(std::move(server.error()));
    auto listed = server->sessions(each, by);
    if (!listed) return no_postgres(std::move(listed.error()));
    return {};
}

finding finding_of(const no_answer& why, const redis_place& at) {
    const auto where = at.shown();
    if (why.is_full) {
        return {level::critical,
                fmt::format("Redis at {} is at its limit: it refused this command's own connection "
                            "(max number of clients reached)",
                            where),
                fmt::format("End what is not needed, or raise the limit: headroom raise redis. {}",
                            ask_chatd)};
    }
    return {level::unknown,
            fmt::format("Redis at {} (from {}) did not tell: {}", where, at.from,
                        printable_excerpt(why.why.what(), reason_bytes_max)),
            {}};
}

finding finding_of(const no_answer& why, const postgres_place& at) {
    if (why.is_full) {
        // "sorry, too many clients already" is said when the reserved ones are taken, too.
        const bool has_reserved_left = why.why.detail.find("reserved") != std::string::npos ||
                                       why.why.detail.find("for role") != std::string::npos ||
                                       why.why.detail.find("for database") != std::string::npos;
        return {level::critical,
                fmt::format("Postgres at {} is at its limit: it refused this command's own session "
                            "({})",
                            at.shown(), printable_excerpt(why.why.detail, reason_bytes_max)),
                fmt::format("{}; or raise the limit: headroom raise postgres. {}",
                            has_reserved_left
                                ? "Ask again as a superuser, for whom connections are kept"
                                : "End a session to get in: an instance of the service, or the "
                                  "process of one session on the server's own host",
                            ask_chatd)};
    }
    return {level::unknown,
            fmt::format("Postgres at {} (from {}) did not tell: {}", at.shown(), at.from,
                        printable_excerpt(why.why.what(), reason_bytes_max)),
            {}};
}

}  // namespace headroom::tool
