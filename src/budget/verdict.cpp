// SPDX-License-Identifier: Apache-2.0
#include "budget/verdict.hpp"

#include <algorithm>

namespace headroom::budget {
namespace {

connection_count minus(connection_count whole, connection_count part) {
    return connection_count(whole.value() - std::min(whole.value(), part.value()));
}

}  // namespace

std::optional<connection_count> usable(const limit& of) {
    if (!of.server) return std::nullopt;
    return minus(minus(*of.server, of.reserved_superuser), of.reserved_provider);
}

std::optional<connection_count> free_now(const limit& of) {
    const auto most = usable(of);
    if (!most || !of.in_use) return std::nullopt;
    return minus(*most, *of.in_use);
}

std::string_view to_string(verdict of) {
    switch (of) {
        case verdict::fits:
            return "fits";
        case verdict::tight:
            return "tight";
        case verdict::exceeds:
            return "exceeds";
        case verdict::unbounded:
            return "unbounded";
        case verdict::unknown:
            return "unknown";
    }
    return "unknown";
}

verdict judge(amount demand, const limit& against) {
    if (demand.is_unbounded()) return verdict::unbounded;
    if (demand.is_overflowed()) return verdict::exceeds;  // whatever the limit is
    const auto most = usable(against);
    if (!most) return verdict::unknown;
    const connection_count wanted = *demand.counted();
    if (wanted > *most) return verdict::exceeds;

    const std::uint64_t left = most->value() - wanted.value();
    // Rounded up, so that "less than a tenth" is exact without a product that could wrap.
    const std::uint64_t tenth =
        most->value() / tight_part + (most->value() % tight_part != 0 ? 1 : 0);
    return left < tenth ? verdict::tight : verdict::fits;
}

}  // namespace headroom::budget
