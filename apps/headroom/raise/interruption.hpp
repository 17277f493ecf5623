// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, a closed terminal or a reader that went away, while something is being changed: heeded
// between two steps, so that what was done and what was not is always told.
#pragma once

#include <csignal>

#include <array>
#include <chrono>

namespace headroom::tool {

// As long as one exists, SIGINT, SIGTERM and SIGHUP are noted instead of ending the process, and
// SIGPIPE is ignored. One at a time.
class interruption {
public:
    interruption();
    ~interruption();
    interruption(const interruption&) = delete;
    interruption& operator=(const interruption&) = delete;

    [[nodiscard]] static bool was_asked_for();
    // Shorter when interrupted.
    static void sleep_for(std::chrono::milliseconds time);

private:
    std::array<struct sigaction, 4> before_{};
};

}  // namespace headroom::tool
