// SPDX-License-Identifier: Apache-2.0
// What a program wrote to its standard error, shown in a sentence about its end.
#pragma once

#include <string>
#include <string_view>

namespace headroom::chat {

// "ended with exit code 2: no order came": the last lines of `tail`, joined and bounded; `sentence`
// alone when there are none. The tail may hold any bytes, and begin within a line.
[[nodiscard]] std::string with_error_tail(std::string_view sentence, std::string_view tail);

}  // namespace headroom::chat
