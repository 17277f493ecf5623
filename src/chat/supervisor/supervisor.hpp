// SPDX-License-Identifier: Apache-2.0
// chatd's first process: owns the listening sockets, the embedded servers and the workers. Opens no
// pool and speaks to no database.
#pragma once

#include "config/load.hpp"
#include "config/settings.hpp"

namespace headroom::chat {

// Runs until SIGTERM or SIGINT. Exit code 0 after an ordered stop; 1 when the start failed or a
// second signal cut the stop short; 2 when the configuration does not fit this host. Prints one
// line on standard output, when the first worker is ready.
[[nodiscard]] int supervisor_main(config::settings settings, config::environment environment);

}  // namespace headroom::chat
