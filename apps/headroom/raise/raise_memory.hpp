// SPDX-License-Identifier: Apache-2.0
// What memory more connections need, and whether an instance class has it. Pure arithmetic on
// measured and documented figures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "headroom/show/finding.hpp"
#include "inspect/core/postgres_limits.hpp"

namespace headroom::tool {

// A line of a table: what, how much, and what to know of it.
struct fact {
    std::string name;
    std::string amount;
    std::string note;
};

struct memory_need {
    std::string heading;
    std::vector<fact> facts;
    boost::json::object as_json;
};

// Of a session of Postgres 15, measured as private memory: 1.8 MB fresh, 5.7 MB after work with
// catalogues and temporary tables, 13.4 MB with 200 prepared joins.
inline constexpr std::uint64_t session_bytes_fresh = 2ULL << 20;
inline constexpr std::uint64_t session_bytes_worked = 5ULL << 20;
inline constexpr std::uint64_t session_bytes_worked_most = 14ULL << 20;
// Of a client of Redis: about 20 KB, as older versions keep 16 KB to write replies into. Measured
// with 2000 clients of 7.0.15: 38 KB each just after a command, 2.3 KB after some idle seconds.
inline constexpr std::uint64_t redis_client_bytes = 20ULL << 10;
inline constexpr std::uint64_t redis_client_bytes_at_work = 40ULL << 10;

// Of `wanted` connections where `present` are allowed now; of one where nothing is wanted.
[[nodiscard]] memory_need postgres_memory(std::optional<std::uint64_t> wanted,
                                          std::optional<std::uint64_t> present,
                                          const std::optional<inspect::postgres_limits>& told,
                                          bool is_rds);
[[nodiscard]] memory_need redis_memory(std::optional<std::uint64_t> wanted,
                                       std::optional<std::uint64_t> present);

// Whether the class has the memory: ok with a sentence; a warning when Amazon's own formula would
// allow fewer, with the smallest class that would do; critical when it would hardly start.
[[nodiscard]] finding judge_rds_class(std::string_view name, std::uint64_t wanted,
                                      std::string_view instance);

}  // namespace headroom::tool
