// SPDX-License-Identifier: Apache-2.0
#include "redis/typed_call.hpp"

#include <string>

namespace headroom::redis {

error unexpected_kind(std::string_view name, std::string_view expected, const value& reply) {
    return {redis_errc::unexpected_reply, std::string(name) + " answered " + describe_kind(reply) +
                                              " where " + std::string(expected) + " was expected"};
}

error to_server_error(value reply) {
    const auto code = classify_server_error(reply.text);
    return {code, std::move(reply.text)};
}

}  // namespace headroom::redis
