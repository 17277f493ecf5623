// SPDX-License-Identifier: Apache-2.0
// Keeps everything that descends from this process within its reach, and ends it with one of them.
#pragma once

#include <sys/types.h>

namespace headroom::chat {

// From now on children of dead descendants become this process' own (it is their subreaper), and
// SIGTERM is held back for wait_for_descendants(). False, with errno set, when that is refused.
[[nodiscard]] bool adopt_descendants();

// Reaps until `main` has ended or SIGTERM came; then kills all that descend from this process, and
// returns when none is left: the status of `main`, as waitpid(2) tells it.
[[nodiscard]] int wait_for_descendants(pid_t main);

}  // namespace headroom::chat
