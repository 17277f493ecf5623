// SPDX-License-Identifier: Apache-2.0
// Whether silence may be taken for death: not right after an outage of the store, when the living
// have not had time to renew. Reads no clock.
#pragma once

#include <optional>

#include "base/time.hpp"

namespace headroom::chat {

class outage_guard {
public:
    // `calm`: the time in which every living owner renews at least once. `gap_max`: answers of the
    // store further apart than this had an outage between them, also when no call failed: one that
    // waited until the store was back succeeds.
    outage_guard(clock::duration calm, clock::duration gap_max) : calm_(calm), gap_max_(gap_max) {}

    void on_success(clock::time_point now) {
        if (!reachable_since_ || now - last_success_ > gap_max_) reachable_since_ = now;
        last_success_ = now;
    }
    void on_failure() { reachable_since_.reset(); }

    // Until when the store may be told to take silence for death; empty while it may not. A call
    // that would answer later could have waited through an outage: it must not be made to last.
    [[nodiscard]] std::optional<deadline> trusted_until(clock::time_point now) const {
        if (!reachable_since_ || now - *reachable_since_ < calm_) return std::nullopt;
        if (now - last_success_ >= gap_max_) return std::nullopt;
        return last_success_ + gap_max_;
    }

private:
    // Fixed at construction.
    clock::duration calm_;
    clock::duration gap_max_;

    std::optional<clock::time_point> reachable_since_;
    clock::time_point last_success_;  // meaningful while reachable_since_ is
};

}  // namespace headroom::chat
