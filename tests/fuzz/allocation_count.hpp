// SPDX-License-Identifier: Apache-2.0
// How much memory is given out, as AddressSanitizer's allocator tells it: in builds with it only.
// One thread only.
#pragma once

#include <cstddef>

namespace headroom::fuzz {

// From the first call of forget_peak() on, every allocation of the process is counted.
void forget_peak() noexcept;
// Bytes given out and not given back, now.
[[nodiscard]] std::size_t live_bytes() noexcept;
// The most they have been since the last call of forget_peak().
[[nodiscard]] std::size_t peak_bytes() noexcept;

}  // namespace headroom::fuzz
