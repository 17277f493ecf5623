// SPDX-License-Identifier: Apache-2.0
// Whether what was dialled as the primary is one, by its own word: ROLE.
// https://redis.io/docs/latest/commands/role/
#pragma once

#include <string>

#include "redis/core/sentinel_watch.hpp"
#include "redis/core/value.hpp"

namespace headroom::redis {

struct role_verdict {
    sentinel_watch::dial_end end = sentinel_watch::dial_end::entered;
    std::string refusal;  // empty: it is the primary; else what it is, to follow its address
    bool is_about_rights = false;  // trying again cannot help
};

[[nodiscard]] role_verdict check_role(const value& role);

}  // namespace headroom::redis
