// SPDX-License-Identifier: Apache-2.0
// Whether and when a call is tried again. Retry is a proof obligation: only what has certainly not
// run, and reads. Performs no I/O and reads no clock; both drivers ask it.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "redis/core/command_table.hpp"
#include "redis/core/outcome.hpp"

namespace headroom::redis {

struct retry_rules {
    bool refusals = true;  // what the server refused before it began, and what was never sent
    bool reads = true;     // once: commands of class `reads` whose connection was lost
};

// How one try ended.
struct ended_try {
    outcome result = outcome::unknown;
    std::string_view message{};  // of the server, where it is `refused`
    // Not sent or not answered because the connection was lost, rather than for the deadline, a
    // bound or the caller. Whoever has moved unsent commands to another connection leaves it false.
    bool is_connection_lost = false;
};

// Of one call.
class retry_policy {
public:
    // `seed` sets the jitter, so that callers refused together do not come back together.
    retry_policy(retry_rules rules, side_effect side, std::uint64_t seed);

    // A try has ended: when the next one begins, before `by`; empty: give up.
    [[nodiscard]] std::optional<clock::time_point> next_after(const ended_try& last,
                                                              clock::time_point now, deadline by);
    // The detail of the last error, with the number of tries where there was more than one.
    [[nodiscard]] std::string tell_tries(std::string detail) const;
    [[nodiscard]] std::uint32_t tries() const { return tries_; }

private:
    [[nodiscard]] clock::duration pause();

    retry_rules rules_;
    side_effect side_;
    std::minstd_rand random_;
    std::uint32_t tries_ = 1;  // with the first, which nobody asked us about
    std::uint32_t pauses_ = 0;
    std::uint32_t moves_ = 0;  // to another connection, without a pause
    bool has_read_again_ = false;
};

}  // namespace headroom::redis
