// SPDX-License-Identifier: Apache-2.0
#include "redis/reply_check.hpp"

#include <algorithm>
#include <string>

#include "redis/core/server_reactions.hpp"
#include "redis/typed_call.hpp"

namespace headroom::redis {

std::optional<error> refusal_of(std::span<const value> replies) {
    const auto is_refusal = [](const value& each) {
        return each.is_error() && outcome_of_message(each.text) == outcome::refused;
    };
    if (replies.empty() || !std::ranges::all_of(replies, is_refusal)) return std::nullopt;
    return error{redis_errc::refused, replies.front().text};
}

error not_text(const command& what) {
    return {redis_errc::not_text,
            "the reply to " + std::string(what.name()) + " holds bytes that are no text"};
}

result<value> check_reply(value reply, reply_form form, const command& what) {
    if (reply.is_error()) return std::unexpected(to_server_error(std::move(reply)));
    if (form == reply_form::text && !is_text(reply)) {
        return std::unexpected(not_text(what));
    }
    return reply;
}

result<std::vector<value>> check_replies(std::vector<value> replies, reply_form form) {
    if (form == reply_form::text &&
        !std::ranges::all_of(replies, [](const value& each) { return is_text(each); })) {
        return failure(redis_errc::not_text,
                       "a reply of the pipeline holds bytes that are no text");
    }
    return replies;
}

}  // namespace headroom::redis
