// SPDX-License-Identifier: Apache-2.0
#include "config/fault.hpp"

#include <fmt/format.h>

namespace headroom::config {

std::string describe_faults(const faults& all) {
    std::string report = fmt::format("The configuration has {} fault{}; nothing was started.\n",
                                     all.size(), all.size() == 1 ? "" : "s");
    for (const fault& one : all) {
        report += fmt::format("\n  {}\n    found:    {}\n    expected: {}\n", one.name, one.found,
                              one.expected);
        if (!one.advice.empty()) report += fmt::format("    to do:    {}\n", one.advice);
    }
    return report;
}

}  // namespace headroom::config
