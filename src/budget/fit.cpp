// SPDX-License-Identifier: Apache-2.0
#include "budget/fit.hpp"

#include <limits>

namespace headroom::budget {
namespace {

bool fits(amount wanted, connection_count most) {
    const auto counted = wanted.counted();
    return counted && *counted <= most;
}

// The demand as a function of one setting: `member` of the fleet, from `least` on.
template <class Member, class Count>
std::optional<Count> largest(fleet of, Member fleet::* member, Count least, const limit& within,
                             demand_function on) {
    const auto most = usable(within);
    if (!most) return std::nullopt;
    const auto fits_with = [&](std::uint64_t value) {
        of.*member = Count(value);
        return fits(on(of).total, *most);
    };
    constexpr auto end = std::numeric_limits<std::uint64_t>::max();
    // A setting that matters costs at least a connection for each step.
    std::uint64_t too_much = most->value() == end ? end : most->value() + 1;
    std::uint64_t enough = least.value();
    if (!fits_with(enough) || fits_with(too_much)) return std::nullopt;
    while (too_much - enough > 1) {
        const auto middle = enough + (too_much - enough) / 2;
        (fits_with(middle) ? enough : too_much) = middle;
    }
    return Count(enough);
}

}  // namespace

std::optional<connection_count> largest_redis_connections_max(const fleet& of, const limit& within,
                                                              connection_count least) {
    return largest(of, &fleet::redis_connections_max, least, within, redis_demand);
}

std::optional<connection_count> largest_pg_pool_max(const fleet& of, const limit& within) {
    return largest(of, &fleet::pg_pool_max, connection_count(1), within, postgres_demand);
}

std::optional<instance_count> largest_instances(const fleet& of, const limit& within,
                                                demand_function on) {
    return largest(of, &fleet::instances, instance_count(1), within, on);
}

std::optional<worker_count> largest_workers_per_instance(const fleet& of, const limit& within,
                                                         demand_function on) {
    return largest(of, &fleet::workers_per_instance, worker_count(1), within, on);
}

}  // namespace headroom::budget
