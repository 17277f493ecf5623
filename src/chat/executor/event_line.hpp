// SPDX-License-Identifier: Apache-2.0
// One line of the code that an executor runs, as the event it means:
//   {"type":"step","name":"...","status":"running|completed|error","text":"...","data":{...}}
//   {"type":"service","name":"...","data":{...}}
// Not how many lines it may send: executor/event_intake.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "chat/sdk/step_event.hpp"

namespace headroom::chat {

inline constexpr std::size_t event_line_bytes_max = 16 * 1024;

using program_event = std::variant<step, service_note>;

// `status` is "completed" when it is not there; `text` and `data` may be absent, the name not. The
// error is a sentence for whoever wrote the code; it shows names of members, but no value.
[[nodiscard]] result<program_event> parse_event_line(std::string_view line);

}  // namespace headroom::chat
