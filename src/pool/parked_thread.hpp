// SPDX-License-Identifier: Apache-2.0
// Where one thread sleeps until another tells it something or its deadline passes: one word on its
// own stack, a futex (futex(2)). Not a lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/time.hpp"

namespace headroom::pool {

class parked_thread {
public:
    using word = std::uint32_t;
    static constexpr word nothing = 0;

    parked_thread() = default;
    parked_thread(const parked_thread&) = delete;
    parked_thread& operator=(const parked_thread&) = delete;

    // The thread's own: what it was told, or `nothing` when `by` passed first. Everything the other
    // thread did before it told is visible. The same answer again until forget() of it.
    [[nodiscard]] word wait(deadline by);
    // Unless it was told something else since.
    void forget(word what) {
        (void)word_.compare_exchange_strong(what, nothing, std::memory_order_relaxed);
    }

    // Another thread's, in two steps, so that the second can come after a lock was released. As
    // soon as it is told the thread may end this object: wake() uses no more than its address.
    class sleeper {
    public:
        sleeper() = default;
        void wake() const noexcept;

    private:
        friend parked_thread;
        explicit sleeper(const std::atomic<word>* where) : where_(where) {}
        const std::atomic<word>* where_ = nullptr;  // null: it does not sleep
    };
    // `what` is neither `nothing` nor the highest word.
    [[nodiscard]] sleeper tell(word what) noexcept;

private:
    static constexpr word asleep = UINT32_MAX;
    std::atomic<word> word_{nothing};
};

}  // namespace headroom::pool
