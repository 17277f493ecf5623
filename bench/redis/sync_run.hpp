// SPDX-License-Identifier: Apache-2.0
// The runs on the blocking client. Not those on the event loop.
#pragma once

#include "measured.hpp"

namespace headroom::bench {

// As run_async, from as many threads as there are callers.
[[nodiscard]] run_result run_sync(const run_arguments& given);

// A1: acquire and give back, nothing else. Prints its JSON line itself: nanoseconds a cycle.
void run_acquire(const run_arguments& given);

}  // namespace headroom::bench
