// SPDX-License-Identifier: Apache-2.0
// headroom config: what chatd would be told here, whether it would start, and what can be told.
#include "headroom/config/config.hpp"

#include <CLI/CLI.hpp>

namespace headroom::tool {

void add_config(CLI::App& app, invocation& run) {
    auto* command = app.add_subcommand("config", "what chatd is told, and whether that is right");
    command->require_subcommand(1);
    add_config_show(*command, run);
    add_config_check(*command, run);
    add_config_env(*command, run);
    command->footer(
        "All of them read what a chatd started from this shell would read, and ask no server.\n\n"
        "Examples:\n"
        "  headroom config show\n"
        "  headroom config check --config gateway.yaml\n"
        "  headroom config env");
}

}  // namespace headroom::tool
