// SPDX-License-Identifier: Apache-2.0
// The three commands below `headroom config`.
#pragma once

#include "headroom/command.hpp"

namespace headroom::tool {

void add_config_show(CLI::App& config, invocation& run);
void add_config_check(CLI::App& config, invocation& run);
void add_config_env(CLI::App& config, invocation& run);

}  // namespace headroom::tool
