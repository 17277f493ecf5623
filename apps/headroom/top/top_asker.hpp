// SPDX-License-Identifier: Apache-2.0
// Asks both servers what `headroom top` shows, on a thread of its own, so that keys are answered
// while a server is not.
#pragma once

#include <future>
#include <optional>
#include <thread>

#include "headroom/ask/servers.hpp"
#include "headroom/top/top_view.hpp"

namespace headroom::tool {

// Each server has so many seconds: one that hangs takes no time from the other.
[[nodiscard]] top_look ask_for_top(const servers& at, const top_question& what,
                                   double timeout_seconds);

class top_asker {
public:
    top_asker(servers at, double timeout_seconds);
    // Waits for the look that is under way.
    ~top_asker();
    top_asker(const top_asker&) = delete;
    top_asker& operator=(const top_asker&) = delete;

    // Not while one is under way.
    void begin(top_question what);
    [[nodiscard]] bool is_busy() const { return thread_.joinable(); }
    // Readable when a look is complete.
    [[nodiscard]] int wake() const { return wake_; }
    // The complete look. Caller saw wake() readable.
    [[nodiscard]] top_look take();

private:
    servers at_;
    double timeout_seconds_;
    int wake_;
    std::thread thread_;
    std::future<top_look> look_;
};

}  // namespace headroom::tool
