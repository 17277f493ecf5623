// SPDX-License-Identifier: Apache-2.0
// The options that every command which asks servers has.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "headroom/show/level.hpp"
#include "headroom/show/paper.hpp"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace headroom::tool {

// Of an option's value, which may have a fraction.
[[nodiscard]] CLI::Validator seconds_between(double least, double most);

// --warn and --crit. Wrong usage when a warning would come after what is critical.
void add_thresholds_to(CLI::App& command, thresholds& to);

struct query_options {
    std::string redis;     // URL; empty: not given
    std::string postgres;  // URL or conninfo; empty: not given
    std::string admin;     // URL; empty: not given
    bool ask_password = false;
    double timeout_seconds = 5;
    bool is_json = false;
    std::string color = "auto";
    bool is_wide = false;

    void add_to(CLI::App& command);
    // How the answer looks: --json, --color, --wide.
    void add_output_to(CLI::App& command);

    // From now on.
    [[nodiscard]] deadline by() const;
    [[nodiscard]] paper on_paper() const { return standard_paper(color, is_wide); }
};

}  // namespace headroom::tool
