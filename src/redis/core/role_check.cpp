// SPDX-License-Identifier: Apache-2.0
#include "redis/core/role_check.hpp"

#include "base/text.hpp"

namespace headroom::redis {

role_verdict check_role(const value& role) {
    using end = sentinel_watch::dial_end;
    if (role.is_error() && role.text.starts_with("NOPERM")) {
        return {.refusal =
                    "forbids ROLE to this user, so that it cannot be told from a replica: "
                    "grant it with ACL SETUSER <user> +role",
                .is_about_rights = true};
    }
    if (role.is_error()) {
        return {.end = end::unreachable, .refusal = "ROLE: " + printable_excerpt(role.text)};
    }
    if (!role.is_array() || role.items.empty() || !role.items.front().is_string()) {
        return {.end = end::unreachable, .refusal = "answers ROLE by something else: no Redis?"};
    }
    const auto& word = role.items.front().text;
    if (word == "master") return {};
    // Replicas say "slave".
    return {.end = end::no_primary,
            .refusal = word == "slave" ? "is a replica" : "is a " + printable_excerpt(word)};
}

}  // namespace headroom::redis
