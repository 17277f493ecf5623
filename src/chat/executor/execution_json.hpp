// SPDX-License-Identifier: Apache-2.0
// The spelling of requests and reports between a worker and chat-executor: JSON, a line each.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "chat/executor/core/execution.hpp"
#include "chat/sdk/comm_spec.hpp"

namespace headroom::chat {

inline constexpr std::size_t request_bytes_max = 2 * 1024 * 1024;
inline constexpr std::size_t report_bytes_max = 256 * 1024;

// What chat-executor reads from its standard input: this line, then nothing until it shall stop.
// The end of the input means that its worker is gone. It holds the password of Redis: never logged.
struct execution_order {
    execution_request what;
    std::optional<comm_spec> comm;  // empty: its events are refused
};

[[nodiscard]] std::string to_line(const execution_order& order);
// The error names the member that is wrong, and shows no value.
[[nodiscard]] result<execution_order> parse_order(std::string_view line);

// What a worker may send after it: the program ends, the report still comes.
inline constexpr std::string_view cancel_line = "{\"cancel\":true}";

[[nodiscard]] std::string to_line(const execution_report& report);
[[nodiscard]] result<execution_report> parse_report(std::string_view line);

}  // namespace headroom::chat
