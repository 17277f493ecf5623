// SPDX-License-Identifier: Apache-2.0
// Is the subscriber's connection alive, and how soon may a new one be made? Judged by progress:
// slow is not dead. Reads no clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/time.hpp"

namespace headroom::redis {

class subscriber_pulse {
public:
    struct bounds {
        // A socket that takes bytes but whose peer is gone looks alive for minutes: ask it.
        clock::duration ping_interval = std::chrono::seconds(3);
        // Answers are due, and nothing at all has come for so long.
        clock::duration silence_max = std::chrono::seconds(3);
        // Messages come, but what we ask does not reach the server, or its answers not us.
        clock::duration answer_max = std::chrono::seconds(15);
    };
    struct verdict {
        bool is_lost = false;
        bool must_ping = false;
        clock::time_point look_again;  // at the latest
    };

    explicit subscriber_pulse(bounds given) : bounds_(given) {}

    void on_connected(clock::time_point now) {
        heard_ = answered_ = now;
        asked_.reset();
    }
    void on_asked(clock::time_point now) {
        if (!asked_) asked_ = now;
    }
    void on_heard(clock::time_point now) { heard_ = now; }
    // An answer; `more_due` when it was not the last.
    void on_answered(clock::time_point now, bool more_due) {
        heard_ = answered_ = now;
        if (!more_due) asked_.reset();
    }

    [[nodiscard]] verdict look(clock::time_point now) const {
        if (!asked_) {
            const auto ping_at = answered_ + bounds_.ping_interval;
            return {false, now >= ping_at, ping_at};
        }
        const auto dead_at = std::min(std::max(heard_, *asked_) + bounds_.silence_max,
                                      std::max(answered_, *asked_) + bounds_.answer_max);
        return {now >= dead_at, false, dead_at};
    }

private:
    bounds bounds_;
    clock::time_point heard_{};               // anything
    clock::time_point answered_{};            // to something we asked
    std::optional<clock::time_point> asked_;  // when the first of what is unanswered was
};

// The pause before the next connection: doubled each time, begun anew only after a connection that
// has lived. A server that ends us as soon as we listen (client-output-buffer-limit) is not asked
// in a hot loop.
class reconnect_pace {
public:
    struct bounds {
        clock::duration first = std::chrono::milliseconds(50);
        clock::duration max = std::chrono::seconds(5);
        clock::duration steady =
            std::chrono::seconds(5);  // all confirmed for so long: it has lived
    };

    explicit reconnect_pace(bounds given) : bounds_(given), next_(given.first) {}

    // The connection, or the try to make one, has ended. `lived`: since all was confirmed, zero
    // when it never was. `share` from 0 to 1 spreads many processes over half of the pause.
    [[nodiscard]] clock::duration on_ended(clock::duration lived, double share) {
        if (lived >= bounds_.steady) next_ = bounds_.first;
        const auto pause = next_ / 2 + std::chrono::duration_cast<clock::duration>(
                                           std::chrono::duration<double>(next_ / 2) * share);
        next_ = std::min(next_ * 2, bounds_.max);
        return pause;
    }

private:
    bounds bounds_;
    clock::duration next_;
};

}  // namespace headroom::redis
