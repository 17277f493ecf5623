// SPDX-License-Identifier: Apache-2.0
// Starts the program of an execution: in a sandbox that bubblewrap makes, or only beside
// chat-executor-init. Knows no limit that a watch must keep, and waits for no end.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/executor/core/init_wire.hpp"
#include "chat/executor/execution_folders.hpp"
#include "chat/executor/owned_descriptor.hpp"
#include "chat/process/child_process.hpp"

namespace headroom::chat {

// The two programs that come with chat-executor, open.
struct executor_programs {
    owned_descriptor init;
    std::string init_path;
    owned_descriptor emit;

    [[nodiscard]] static result<executor_programs> open(const std::string& folder);
};

struct launch_order {
    const execution_request& what;
    const execution_folders& folders;
    const executor_programs& programs;
    std::optional<system_user> user;  // of the program; empty: our own
};

struct launched_program {
    pid_t child = -1;  // ours: chat-executor-init, as bubblewrap's guard or as the program's parent
    owned_descriptor child_end;
    pid_t init = -1;            // chat-executor-init, as it is seen here; -1: it has ended
    owned_descriptor init_end;  // readable when all in the sandbox are gone; with bubblewrap only
    owned_descriptor status;    // of chat-executor-init: its last report follows
    owned_descriptor output;    // read ends, non-blocking
    owned_descriptor error;
    owned_descriptor events;
    std::optional<init_report> not_executed = {};  // there is no program to wait for
};

// Waits until the program is executed, at most 20 s. The error is for people: no bubblewrap, or
// one that cannot make a sandbox here, with what helps.
[[nodiscard]] result<launched_program> launch_in_sandbox(const launch_order& order);
// The same without walls; the caller has to be a subreaper (prctl(2)).
[[nodiscard]] result<launched_program> launch_without_sandbox(const launch_order& order);

// In these folders, parted by colons.
[[nodiscard]] result<std::string> find_bubblewrap(std::string_view folders);

}  // namespace headroom::chat
