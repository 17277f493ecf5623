// SPDX-License-Identifier: Apache-2.0
// Probe outcomes in, changes of state out. Knows neither time nor server.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::health {

enum class reachability : std::uint8_t {
    unknown,   // no probe has ended yet
    up,        // answers, and as a primary
    degraded,  // answers, but LOADING, BUSY or as a replica: a publish would be lost or refused
    down,      // does not answer within the timeout
};

[[nodiscard]] std::string_view to_string(reachability state);

// What one probe found. A demoted primary answers PING but loses every PUBLISH, hence `degraded`.
using probe_outcome = reachability;  // never `unknown`

class reachability_core {
public:
    [[nodiscard]] reachability current() const { return current_; }

    // The new state when the outcome changes it.
    [[nodiscard]] std::optional<reachability> on_probe(probe_outcome outcome) {
        if (outcome == current_) return std::nullopt;
        current_ = outcome;
        return outcome;
    }

private:
    reachability current_ = reachability::unknown;
};

// What a plain listener hears: `up` and `down` only, each once per change. `degraded` is not
// reported by itself; a way from down to degraded to up is heard as up, one from up to degraded and
// back not at all.
class plain_view {
public:
    [[nodiscard]] std::optional<reachability> on_change(reachability now) {
        if (now != reachability::up && now != reachability::down) return std::nullopt;
        if (now == told_) return std::nullopt;
        told_ = now;
        return now;
    }

private:
    reachability told_ = reachability::unknown;
};

}  // namespace headroom::health
