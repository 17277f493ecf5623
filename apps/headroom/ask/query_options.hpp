// SPDX-License-Identifier: Apache-2.0
// The options that every command which asks servers has.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "headroom/show/paper.hpp"

namespace CLI {
class App;
}

namespace headroom::tool {

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
