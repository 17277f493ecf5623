// SPDX-License-Identifier: Apache-2.0
// The one clock and the one way to bound a wait: an instant, passed down unchanged.
// Not a source of time: only drivers call clock::now().
#pragma once

#include <chrono>

namespace headroom {

using clock = std::chrono::steady_clock;
using deadline = clock::time_point;

}  // namespace headroom
