// SPDX-License-Identifier: Apache-2.0
// The workloads on the asynchronous client. Not those of the blocking one.
#pragma once

#include "measured.hpp"

namespace headroom::bench {

// Ends the process with a message when an answer is wrong or missing.
[[nodiscard]] run_result run_async(const run_arguments& given);

}  // namespace headroom::bench
