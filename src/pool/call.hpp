// SPDX-License-Identifier: Apache-2.0
// What every use of a pool says: who asks, and until when it may take.
#pragma once

#include "base/time.hpp"
#include "pool/core/pool_core.hpp"

namespace headroom::pool {

struct call {
    owner_id owner{};
    deadline by{};
    // What is safe to repeat is repeated by itself until `by`; false: the first answer counts.
    bool may_retry = true;
};

}  // namespace headroom::pool
