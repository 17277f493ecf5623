// SPDX-License-Identifier: Apache-2.0
// How bad it is, in the order and with the exit codes of monitoring plug-ins.
#pragma once

#include <string_view>

namespace headroom::tool {

enum class level { ok = 0, warning = 1, critical = 2, unknown = 3 };

inline constexpr int usage_error = 64;  // EX_USAGE of sysexits.h

[[nodiscard]] std::string_view to_string(level of);

// What both together mean: what is critical stays so; what is unknown is not hidden by a warning.
[[nodiscard]] level worse(level a, level b);

// Shares of what is usable, in percent, from which on it is a warning, or critical.
struct thresholds {
    unsigned warn = 70;
    unsigned crit = 90;
};

// How much of `most` is used, in percent, rounded down; all of nothing is 100.
[[nodiscard]] unsigned percent(unsigned long long used, unsigned long long most);
[[nodiscard]] level judge_use(unsigned percent_used, thresholds by);

}  // namespace headroom::tool
