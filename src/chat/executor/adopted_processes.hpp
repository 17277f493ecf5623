// SPDX-License-Identifier: Apache-2.0
// Ends processes that became this one's children because their parents died: what is left of an
// execution without a sandbox whose chat-executor-init was killed.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace headroom::chat {

class adopted_processes {
public:
    // From now on this process is a subreaper (prctl(2)). It must start no child that is not ended
    // before end_all(), but the one that the execution begins with.
    [[nodiscard]] static result<adopted_processes> begin();

    // Kills and reaps children that were none at the beginning, and theirs, until none is left or
    // `by` passes.
    void end_all(deadline by) const;

private:
    std::vector<pid_t> children_before_;
};

}  // namespace headroom::chat
