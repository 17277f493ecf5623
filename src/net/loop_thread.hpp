// SPDX-License-Identifier: Apache-2.0
// Marks the thread that runs an event loop, so that calls which would block it can refuse. Nested
// marks count.
#pragma once

namespace headroom::net {

class loop_thread {
public:
    // Beside run(), on the same thread, for as long as it runs.
    loop_thread() noexcept { ++depth_; }
    ~loop_thread() { --depth_; }
    loop_thread(const loop_thread&) = delete;
    loop_thread& operator=(const loop_thread&) = delete;

    // Of the calling thread.
    [[nodiscard]] static bool is_this() noexcept { return depth_ > 0; }

private:
    static inline thread_local int depth_ = 0;
};

}  // namespace headroom::net
