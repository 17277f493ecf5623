// SPDX-License-Identifier: Apache-2.0
// Spells what chat-executor-init is told, and reads what it tells. Passes nothing on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/executor/core/execution.hpp"
#include "chat/executor/core/init_wire.hpp"

namespace headroom::chat {

struct init_plan {
    init_header header;  // its counts and sizes are filled in by to_bytes
    std::string filter;  // of system calls, as the kernel takes it; empty: none
    std::vector<std::string> arguments;
    std::vector<std::string> variables;  // "K=V"
};

// The limits that the kernel keeps for each process. `processes_beside` are those of the same user
// that are counted together with the program's.
void set_limits(init_header& header, const execution_limits& within,
                std::uint64_t processes_beside);

// Empty when it is larger than chat-executor-init takes.
[[nodiscard]] std::optional<std::string> to_bytes(const init_plan& plan);

// The report at the start of `bytes`.
[[nodiscard]] std::optional<init_report> parse_init_report(std::string_view bytes);

// For people: why the program could not be started. `program` is what was to be executed.
[[nodiscard]] std::string describe_failed_start(const init_report& report, std::string_view program,
                                                bool is_sandboxed);

}  // namespace headroom::chat
