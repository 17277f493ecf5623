// SPDX-License-Identifier: Apache-2.0
#include "pool/parked_thread.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace headroom::pool {

static_assert(sizeof(std::atomic<parked_thread::word>) == sizeof(parked_thread::word));

parked_thread::word parked_thread::wait(deadline by) {
    auto seen = nothing;
    if (!word_.compare_exchange_strong(seen, asleep, std::memory_order_acquire)) return seen;
    // steady_clock is CLOCK_MONOTONIC, by which this futex operation takes an instant.
    const auto since_boot = std::max(by, clock::time_point{}).time_since_epoch();
    const auto whole = std::chrono::floor<std::chrono::seconds>(since_boot);
    timespec until{.tv_sec = whole.count(), .tv_nsec = (since_boot - whole).count()};
    const bool is_bounded = by != deadline::max();
    while (seen = word_.load(std::memory_order_acquire), seen == asleep) {
        (void)::syscall(SYS_futex, &word_, FUTEX_WAIT_BITSET_PRIVATE, asleep,
                        is_bounded ? &until : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
        if (!is_bounded || clock::now() < by) continue;
        seen = asleep;
        if (word_.compare_exchange_strong(seen, nothing, std::memory_order_acquire)) return nothing;
        return seen;
    }
    return seen;
}

parked_thread::sleeper parked_thread::tell(word what) noexcept {
    const bool sleeps = word_.exchange(what, std::memory_order_acq_rel) == asleep;
    return sleeper(sleeps ? &word_ : nullptr);
}

void parked_thread::sleeper::wake() const noexcept {
    if (where_ == nullptr) return;
    (void)::syscall(SYS_futex, where_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace headroom::pool
