// SPDX-License-Identifier: Apache-2.0
// What a command of the tool is, and the list of them: a new one is a folder and a line here.
#pragma once

#include "config/load.hpp"

namespace CLI {
class App;
}

namespace headroom::tool {

// What the commands are given, and where they leave their exit code: a level, or usage_error.
struct invocation {
    config::sources from;
    int exit_code = 0;
};

// Each adds its subcommand, whose callback does the work.
void add_limits(CLI::App& app, invocation& run);
void add_holders(CLI::App& app, invocation& run);
void add_plan(CLI::App& app, invocation& run);
void add_check(CLI::App& app, invocation& run);
void add_raise(CLI::App& app, invocation& run);
void add_top(CLI::App& app, invocation& run);
void add_config(CLI::App& app, invocation& run);

}  // namespace headroom::tool
