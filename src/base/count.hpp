// SPDX-License-Identifier: Apache-2.0
// Strong counts: connections, workers and instances cannot be mixed up, and no sum or product
// wraps.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>

namespace headroom {

template <class Tag>
class count {
public:
    constexpr count() = default;
    constexpr explicit count(std::uint64_t value) : value_(value) {}

    [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
    constexpr auto operator<=>(const count&) const = default;

private:
    std::uint64_t value_ = 0;
};

using connection_count = count<struct connection_count_tag>;
using worker_count = count<struct worker_count_tag>;  // processes of one instance, or of the fleet
using instance_count = count<struct instance_count_tag>;  // hosts or containers running one chatd

// Empty when the sum does not fit 64 bits: an operator must see "too many", never a wrapped number.
template <class Tag>
[[nodiscard]] constexpr std::optional<count<Tag>> add(count<Tag> a, count<Tag> b) {
    if (a.value() > std::numeric_limits<std::uint64_t>::max() - b.value()) return std::nullopt;
    return count<Tag>(a.value() + b.value());
}

// Empty when the product does not fit 64 bits.
template <class FactorTag, class Tag>
[[nodiscard]] constexpr std::optional<count<Tag>> multiply(count<FactorTag> factor,
                                                           count<Tag> each) {
    if (each.value() != 0 &&
        factor.value() > std::numeric_limits<std::uint64_t>::max() / each.value()) {
        return std::nullopt;
    }
    return count<Tag>(factor.value() * each.value());
}

}  // namespace headroom
