// SPDX-License-Identifier: Apache-2.0
// Whether silence may be taken for death: not right after an outage of the store, when the living
// have not had time to renew. Reads no clock.
#pragma once

#include <optional>

#include "base/time.hpp"

namespace headroom::chat {

class outage_guard {
public:
    // `calm`: the time in which every living owner renews at least once.
    explicit outage_guard(clock::duration calm) : calm_(calm) {}

    void on_success(clock::time_point now) {
        if (!reachable_since_) reachable_since_ = now;
    }
    void on_failure() { reachable_since_.reset(); }
    [[nodiscard]] bool is_calm(clock::time_point now) const {
        return reachable_since_ && now - *reachable_since_ >= calm_;
    }

private:
    clock::duration calm_;
    std::optional<clock::time_point> reachable_since_;
};

}  // namespace headroom::chat
