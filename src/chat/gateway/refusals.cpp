// SPDX-License-Identifier: Apache-2.0
#include "chat/gateway/refusals.hpp"

#include "chat/core/chat_error.hpp"
#include "pool/pool_error.hpp"
#include "postgres/postgres_error.hpp"
#include "redis/redis_error.hpp"

namespace headroom::chat {

namespace {

constexpr auto soon = std::chrono::seconds(2);
constexpr auto later = std::chrono::seconds(5);

}  // namespace

http::response to_response(const error& why) {
    const auto& code = why.code;
    if (code == chat_errc::no_such_conversation)
        return http::error_response(404, "no_such_conversation", "there is no such conversation");
    if (code == chat_errc::queue_full)
        return http::error_response(503, "queue_full",
                                    "too many messages are waiting: try again in a moment", later);
    if (code == chat_errc::text_rejected)
        return http::error_response(
            400, "text_rejected", "this text cannot be stored: it is empty, too long, or no text");
    if (code == chat_errc::closed)
        return http::error_response(503, "shutting_down", "this server is stopping: try again",
                                    soon);
    const bool is_misread = code == redis::redis_errc::unexpected_reply;
    if (code.category() == redis::redis_category() && !is_misread)
        return http::error_response(503, "redis_unavailable",
                                    "Redis does not answer: try again in a moment", soon);
    if (code.category() == postgres::postgres_category())
        return http::error_response(503, "postgres_unavailable",
                                    "Postgres does not answer: try again in a moment", soon);
    if (code.category() == pool::pool_category())
        return http::error_response(503, "connections_unavailable",
                                    "no connection to the servers is free: try again in a moment",
                                    soon);
    return http::error_response(500, "internal", "something went wrong on our side");
}

}  // namespace headroom::chat
