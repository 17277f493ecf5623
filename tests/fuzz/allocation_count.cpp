// SPDX-License-Identifier: Apache-2.0
#include "fuzz/allocation_count.hpp"

#include <sanitizer/allocator_interface.h>

#include <algorithm>

#include "base/assert.hpp"

namespace headroom::fuzz {

namespace {

std::size_t live = 0;
std::size_t peak = 0;

void on_given(const volatile void*, std::size_t size) {
    live += size;
    peak = std::max(peak, live);
}

void on_taken_back(const volatile void* block) {
    // What was given out before the counting began is not in `live`.
    if (block != nullptr) live -= std::min(live, __sanitizer_get_allocated_size_fast(block));
}

}  // namespace

void forget_peak() noexcept {
    static const bool counts =
        __sanitizer_install_malloc_and_free_hooks(on_given, on_taken_back) > 0;
    HEADROOM_ASSERT(counts, "the sanitizer's allocator tells what it gives");
    peak = live;
}

std::size_t live_bytes() noexcept {
    return live;
}
std::size_t peak_bytes() noexcept {
    return peak;
}

}  // namespace headroom::fuzz
