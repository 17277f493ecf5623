// SPDX-License-Identifier: Apache-2.0
// How long to wait before trying again: doubling, bounded, jittered between half and full.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace headroom::chat {

class backoff {
public:
    explicit backoff(std::uint64_t seed,
                     std::chrono::milliseconds first = std::chrono::milliseconds(50),
                     std::chrono::milliseconds longest = std::chrono::milliseconds(2000))
        : random_(static_cast<std::uint_fast32_t>(seed * 2654435761U + 1)),
          first_(first),
          longest_(longest),
          next_(first) {}

    [[nodiscard]] std::chrono::milliseconds next() {
        const auto whole = next_;
        next_ = std::min(longest_, next_ * 2);
        std::uniform_int_distribution<std::int64_t> between(whole.count() / 2, whole.count());
        return std::chrono::milliseconds(between(random_));
    }
    void reset() { next_ = first_; }

private:
    std::minstd_rand random_;
    std::chrono::milliseconds first_;
    std::chrono::milliseconds longest_;
    std::chrono::milliseconds next_;
};

}  // namespace headroom::chat
