// SPDX-License-Identifier: Apache-2.0
// One worker process from start to end. Not who starts it: that is the supervisor.
#pragma once

#include <vector>

#include "chat/bundles/bundle.hpp"
#include "config/settings.hpp"
#include "config/worker_slot.hpp"

namespace headroom::chat {

// Runs until SIGTERM or SIGINT, or until the supervisor's end of `slot.status_fd` closes. Exit code
// 0 after an orderly stop, 1 when the start failed (the reason went to the supervisor).
// CHAT_BUNDLES may name `further` bundles beside the built-in ones.
[[nodiscard]] int worker_main(config::settings settings, config::worker_slot slot,
                              std::vector<bundle_recipe> further = {});

}  // namespace headroom::chat
