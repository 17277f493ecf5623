// SPDX-License-Identifier: Apache-2.0
// How many events a program may emit: so many a second, twice as many at once, so many in all.
// Reads no clock.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace headroom::chat {

class event_rate {
public:
    enum class verdict : std::uint8_t { admitted, too_fast, too_many };

    // `per_second` is at least 1.
    event_rate(std::uint32_t per_second, std::uint32_t in_all, clock::time_point now);

    // For each line, good or bad: looking at one costs as much as sending it. Times do not go back.
    [[nodiscard]] verdict on_line(clock::time_point now);
    // A line that was admitted is an event; others do not count for what is allowed in all.
    void on_event();

private:
    clock::duration cost_;  // of one line
    clock::duration credit_;
    clock::time_point credited_at_;
    std::uint32_t left_;
};

}  // namespace headroom::chat
