// SPDX-License-Identifier: Apache-2.0
#include "headroom/holders/holder_order.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace headroom::tool {
namespace {

using inspect::holder_group;

// In the order of the enumeration.
constexpr std::array<std::string_view, 8> words{"connections", "redis", "postgres",      "age",
                                                "idle",        "in_tx", "output_buffer", "name"};

// -1: not in a transaction, which is less than for 0 seconds.
std::int64_t measure(const holder_group& of, holder_order by) {
    switch (by) {
        case holder_order::connections:
            return static_cast<std::int64_t>(of.connections());
        case holder_order::redis:
            return static_cast<std::int64_t>(of.redis);
        case holder_order::postgres:
            return static_cast<std::int64_t>(of.postgres);
        case holder_order::age:
            return of.age_max.count();
        case holder_order::idle:
            return of.idle_max.count();
        case holder_order::in_transaction:
            return of.idle_in_transaction_max ? of.idle_in_transaction_max->count() : -1;
        case holder_order::output_buffer:
            return static_cast<std::int64_t>(of.output_bytes);
        case holder_order::name:
            return 0;
    }
    return 0;
}

holder_order shifted(holder_order order, std::size_t by) {
    return static_cast<holder_order>((static_cast<std::size_t>(order) + by) % words.size());
}

}  // namespace

std::string_view to_string(holder_order order) {
    return words[static_cast<std::size_t>(order)];
}

std::expected<holder_order, std::string> parse_holder_order(const std::string& word) {
    const auto found = std::ranges::find(words, word);
    if (found != words.end()) return static_cast<holder_order>(found - words.begin());
    return std::unexpected(fmt::format("--sort {}: one of {} is expected", printable_excerpt(word),
                                       fmt::join(words, ", ")));
}

holder_order next(holder_order order) {
    return shifted(order, 1);
}

holder_order previous(holder_order order) {
    return shifted(order, words.size() - 1);
}

void sort_groups(std::vector<holder_group>& all, holder_order by, bool reversed) {
    std::ranges::sort(all, [&](const holder_group& a, const holder_group& b) {
        const auto of_a = measure(a, by);
        const auto of_b = measure(b, by);
        if (of_a != of_b) return reversed ? of_a < of_b : of_a > of_b;
        if (a.key != b.key) {
            return by == holder_order::name && reversed ? b.key < a.key : a.key < b.key;
        }
        return a.origin < b.origin;  // a foreign name may look like a service
    });
}

}  // namespace headroom::tool
