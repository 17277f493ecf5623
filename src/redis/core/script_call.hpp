// SPDX-License-Identifier: Apache-2.0
// How a script is called, and what a server says that does not know it. Not the script: script.hpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "redis/core/command.hpp"

namespace headroom::redis {

// `verb` is EVAL or one of its kin; `script` the source, or its digest.
[[nodiscard]] command script_command(std::string_view verb, std::string_view script,
                                     std::span<const std::string> keys,
                                     std::span<const std::string> arguments);

// The server had no such script and has run nothing. Not so when a script itself answers an error
// that begins with NOSCRIPT.
[[nodiscard]] bool is_unknown_script(std::string_view message);

}  // namespace headroom::redis
