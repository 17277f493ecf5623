// SPDX-License-Identifier: Apache-2.0
// From what the server said to what a caller gets: errors as errors, text checked. For all clients.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "redis/client.hpp"
#include "redis/core/command.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

// The first of them, where all are refusals: nothing of what was asked has run.
[[nodiscard]] std::optional<error> refusal_of(std::span<const value> replies);
// A server error becomes the error; in a text pool, so does a string that is no UTF-8.
[[nodiscard]] result<value> check_reply(value reply, reply_form form, const command& what);
// That error.
[[nodiscard]] error not_text(const command& what);
// Server errors stay among the values.
[[nodiscard]] result<std::vector<value>> check_replies(std::vector<value> replies, reply_form form);

}  // namespace headroom::redis
