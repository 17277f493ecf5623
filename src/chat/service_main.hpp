// SPDX-License-Identifier: Apache-2.0
// What a chatd is, after its command line: reads the settings once, then is a supervisor, or one of
// its workers. A service with bundles of its own calls this from its own main().
#pragma once

#include "chat/bundles/bundle_definition.hpp"
#include "config/load.hpp"

namespace headroom::chat {

// Runs until SIGTERM or SIGINT. CHAT_BUNDLES may name `further` bundles beside the built-in ones.
// Exit code 0 after an ordered stop; 1 when the start failed; 2 for bad settings, all of which are
// told on standard error. The process is not dumpable from here on: no other process of the same
// user can read its memory or its environment.
[[nodiscard]] int service_main(config::sources from, bundle_registry further = {});

}  // namespace headroom::chat
