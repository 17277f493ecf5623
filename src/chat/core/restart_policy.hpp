// SPDX-License-Identifier: Apache-2.0
// When a child that ended may be started again. Starts nothing, reads no clock.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace headroom::chat {

struct restart_limits {
    clock::duration first = std::chrono::milliseconds(200);  // the pause after the first short life
    clock::duration longest = std::chrono::seconds(10);
    clock::duration steady_after = std::chrono::seconds(30);  // a life that clears the record
};

// One for each place that a child fills.
class restart_policy {
public:
    explicit restart_policy(restart_limits limits = {}) : limits_(limits) {}

    // A child that had lived since `started` ended: the pause doubles with each short life in a
    // row. One that lived long is replaced at once.
    [[nodiscard]] clock::time_point on_ended(clock::time_point started, clock::time_point now);

    [[nodiscard]] std::uint32_t short_lives_in_a_row() const { return short_lives_; }

private:
    restart_limits limits_;
    std::uint32_t short_lives_ = 0;
};

}  // namespace headroom::chat
