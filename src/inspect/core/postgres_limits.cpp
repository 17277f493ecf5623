// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/postgres_limits.hpp"

#include <algorithm>

namespace headroom::inspect {

std::uint64_t postgres_limits::reserved() const {
    return reserved_superuser + reserved_role.value_or(0) + reserved_provider.value_or(0);
}

std::vector<postgres_bound> bounds_of(const postgres_limits& of) {
    const connection_count provider(of.reserved_role.value_or(0) +
                                    of.reserved_provider.value_or(0));
    std::vector<postgres_bound> all{{"server",
                                     {.server = connection_count(of.max_connections),
                                      .reserved_superuser = connection_count(of.reserved_superuser),
                                      .reserved_provider = provider,
                                      .in_use = connection_count(of.sessions)}}};
    if (of.is_superuser) return all;
    if (of.role_limit) {
        all.push_back({"role",
                       {.server = connection_count(*of.role_limit),
                        .in_use = connection_count(of.sessions_of_role)}});
    }
    if (of.database_limit) {
        all.push_back({"database",
                       {.server = connection_count(*of.database_limit),
                        .in_use = connection_count(of.sessions_of_database)}});
    }
    return all;
}

postgres_bound tightest(const postgres_limits& of) {
    const auto all = bounds_of(of);
    return *std::ranges::min_element(all, {}, [](const postgres_bound& one) {
        return budget::free_now(one.limit).value_or(connection_count(0));
    });
}

}  // namespace headroom::inspect
