// SPDX-License-Identifier: Apache-2.0
// What a chatd says of itself when it starts: how many connections its configuration can open.
// Against which limits is the operator's tool to tell: no server is asked here.
#pragma once

#include <string>

#include "budget/demand.hpp"
#include "chat/log.hpp"
#include "config/settings.hpp"

namespace headroom::chat {

// "44 = 36 workers (1 instance x 2 workers x 3 pools x 6) + 8 executors (1 instance x ...)"
[[nodiscard]] std::string sum_text(const budget::demand& of);

// One line of the log, of this instance alone.
void report_start(const config::settings& of, const log& out);

}  // namespace headroom::chat
