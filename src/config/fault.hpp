// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration, said so that an operator can mend it. All faults are found in
// one run.
#pragma once

#include <string>
#include <vector>

namespace headroom::config {

struct fault {
    std::string name;      // the variable, or the dotted key of the gateway document
    std::string found;     // the value; never a secret
    std::string expected;  // "a whole number from 1 to 100000"
    std::string advice;    // what to do; may be empty
    bool operator==(const fault&) const = default;
};

using faults = std::vector<fault>;

// The report that goes with exit code 2: one paragraph a fault, all of them.
[[nodiscard]] std::string describe_faults(const faults& all);

}  // namespace headroom::config
