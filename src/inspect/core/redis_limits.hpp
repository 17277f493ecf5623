// SPDX-License-Identifier: Apache-2.0
// What a Redis server accepts and how much of it is in use, as far as it tells. Every field that a
// server may refuse to tell is optional.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "budget/verdict.hpp"
#include "inspect/core/redis_info.hpp"

namespace headroom::inspect {

enum class maxclients_source : std::uint8_t { info, config, unknown };

// "INFO clients", "CONFIG GET", "unknown"
[[nodiscard]] std::string_view to_string(maxclients_source source);

struct redis_limits {
    std::string version;
    std::string os;    // "Amazon ElastiCache" there
    std::string role;  // master or slave, in Redis' words
    std::optional<std::uint64_t> maxclients;
    maxclients_source source = maxclients_source::unknown;
    std::optional<std::uint64_t> connected;  // without our own one and without replicas
    std::optional<std::uint64_t> replicas;   // connected to it; they take places too
    std::optional<std::uint64_t> blocked;    // in BLPOP and its like
    std::optional<std::uint64_t> pubsub;
    std::optional<std::uint64_t> rejected;  // since the start of the server: the limit was hit
    std::optional<std::uint64_t> received;  // connections since the start, refused ones too
    std::optional<std::uint64_t> uptime_seconds;
    std::vector<std::string> refusals;  // what the server would not tell: "CONFIG GET: NOPERM ..."

    [[nodiscard]] bool is_elasticache() const;
    [[nodiscard]] budget::limit as_budget_limit() const;
};

// Takes over what INFO tells.
void read_info(redis_limits& to, const redis_info& from);

}  // namespace headroom::inspect
