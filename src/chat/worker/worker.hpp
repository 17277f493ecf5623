// SPDX-License-Identifier: Apache-2.0
// One worker process from start to end. Not who starts it: that is the supervisor.
#pragma once

#include "chat/bundles/bundle_definition.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"
#include "config/worker_slot.hpp"

namespace headroom::chat {

// Runs until SIGTERM or SIGINT, or until the supervisor's end of `slot.status_fd` closes. Exit code
// 0 after an orderly stop, 1 when the start failed (the reason went to the supervisor).
// `bundles` has all that CHAT_BUNDLES may name; of `variables`, the environment, executors get a
// few.
[[nodiscard]] int worker_main(config::settings settings, config::worker_slot slot,
                              bundle_registry bundles, config::environment variables);

}  // namespace headroom::chat
