// SPDX-License-Identifier: Apache-2.0
// The bundle `clock`: tells the time of the Redis server through the blocking pool, on a thread.
#pragma once

#include "chat/bundles/blocking_threads.hpp"
#include "chat/bundles/bundle.hpp"

namespace headroom::chat {

[[nodiscard]] std::unique_ptr<bundle> make_clock_bundle(redis::blocking_client& sync,
                                                        blocking_threads& threads);

}  // namespace headroom::chat
