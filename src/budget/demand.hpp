// SPDX-License-Identifier: Apache-2.0
// What a fleet can use at most: a sum of named terms. Pure functions; a sum that does not fit is
// said, not wrapped.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/count.hpp"
#include "budget/fleet.hpp"

namespace headroom::budget {

// Redis pools of a worker: async, async_decode, sync.
inline constexpr connection_count redis_pools_per_process{3};

// How much a term or a sum comes to. Exactly one of the three.
class amount {
public:
    static constexpr amount of(connection_count counted) { return amount(state::counted, counted); }
    // Of optional arithmetic (base/count.hpp): empty means it did not fit.
    static constexpr amount of(std::optional<connection_count> counted) {
        return counted ? of(*counted) : overflowed();
    }
    static constexpr amount unbounded() { return amount(state::unbounded, {}); }
    static constexpr amount overflowed() { return amount(state::overflowed, {}); }

    [[nodiscard]] constexpr bool is_unbounded() const { return state_ == state::unbounded; }
    [[nodiscard]] constexpr bool is_overflowed() const { return state_ == state::overflowed; }
    // Empty when unbounded or overflowed.
    [[nodiscard]] constexpr std::optional<connection_count> counted() const {
        return state_ == state::counted ? std::optional(count_) : std::nullopt;
    }
    constexpr bool operator==(const amount&) const = default;

private:
    enum class state { counted, unbounded, overflowed };
    constexpr amount(state which, connection_count counted) : state_(which), count_(counted) {}

    state state_;
    connection_count count_;
};

// Unbounded wins over overflowed, overflowed over a number.
[[nodiscard]] amount add(amount a, amount b);

// "12", "unbounded", "2^64 or more"
[[nodiscard]] std::string to_string(amount of);

struct term {
    std::string_view name;  // frozen: also the label of metrics, "workers"
    std::string formula;    // for people: "2 instances x 4 workers x 3 pools x 6"
    amount most;
};

struct demand {
    std::vector<term> terms;  // none is zero but the first
    amount total;             // of all but `sentinel`, which is a term of other servers
};

// redis connections per process <= 3 x REDIS_MAX_CONNECTIONS
[[nodiscard]] amount redis_per_process(const fleet& of);
// redis connections of executors <= processes x CHAT_EXECUTORS_MAX, or the emitting ones if their
// number is known; without those of the surge
[[nodiscard]] amount redis_of_executors(const fleet& of);
// redis connections of the fleet <= processes x 3 x REDIS_MAX_CONNECTIONS + emitting executors,
// plus surge, operators, replicas and others. With Sentinel each process has one connection more,
// on one of the sentinels: the term `sentinel` tells it, the total of the primary leaves it out.
[[nodiscard]] demand redis_demand(const fleet& of);

// postgres per instance <= workers x pg_pool_max_size
[[nodiscard]] amount postgres_per_instance(const fleet& of);
// postgres of the fleet <= processes x PGPOOL_MAX_SIZE, plus surge, migrations, operators and
// others
[[nodiscard]] demand postgres_demand(const fleet& of);

}  // namespace headroom::budget
