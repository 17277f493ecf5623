// SPDX-License-Identifier: Apache-2.0
// What may be asked of an execution, and what its program is given: arguments and environment.
// Looks at no file: whether an interpreter is there is the driver's to see.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chat/executor/core/execution.hpp"

namespace headroom::chat {

// For people: what is wrong with it; nothing when it may be run. Shows no value of the environment.
[[nodiscard]] std::optional<std::string> fault_of(const execution_request& what);

// Where things are for the program.
struct program_places {
    std::string work = "/workspace/work";
    std::string output = "/workspace/out";
    std::string temporary = "/tmp";
    std::string programs = "/run/headroom";  // with chat-emit
};

// Of a request without fault. Source text is expected as a file in the working folder.
[[nodiscard]] std::vector<std::string> arguments_of(const execution_request& what);
// "K=V": the whole environment, by name.
[[nodiscard]] std::vector<std::string> environment_of(const execution_request& what,
                                                      const program_places& where);

}  // namespace headroom::chat
