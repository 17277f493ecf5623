// SPDX-License-Identifier: Apache-2.0
#include "redis/reply_check.hpp"

#include <algorithm>
#include <string>

namespace headroom::redis {

error not_text(const command& what) {
    return {redis_errc::not_text,
            "the reply to " + std::string(what.name()) + " holds bytes that are no text"};
}

result<value> check_reply(value reply, reply_form form, const command& what) {
    if (reply.is_error()) {
        const auto code = classify_server_error(reply.text);
        return failure(code, std::move(reply.text));
    }
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
