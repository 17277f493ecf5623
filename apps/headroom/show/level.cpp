// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/level.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace headroom::tool {
namespace {

constexpr std::array from_best{level::ok, level::warning, level::unknown, level::critical};

}  // namespace

std::string_view to_string(level of) {
    switch (of) {
        case level::ok:
            return "ok";
        case level::warning:
            return "warning";
        case level::critical:
            return "critical";
        case level::unknown:
            return "unknown";
    }
    return "unknown";
}

level worse(level a, level b) {
    const auto rank = [](level one) { return std::ranges::find(from_best, one); };
    return rank(a) < rank(b) ? b : a;
}

unsigned percent(unsigned long long used, unsigned long long most) {
    if (most == 0) return 100;
    const auto whole = used / most;  // so that the product below cannot wrap for sane numbers
    if (whole > 10) return 1000;
    const long double share =
        100.0L * static_cast<long double>(used) / static_cast<long double>(most);
    return static_cast<unsigned>(share);
}

level judge_use(unsigned percent_used, thresholds by) {
    if (percent_used >= by.crit) return level::critical;
    if (percent_used >= by.warn) return level::warning;
    return level::ok;
}

}  // namespace headroom::tool
