// SPDX-License-Identifier: Apache-2.0
#include "redis/core/script_call.hpp"

namespace headroom::redis {

command script_command(std::string_view verb, std::string_view script,
                       std::span<const std::string> keys, std::span<const std::string> arguments) {
    command what(verb);
    what.arg(script).arg(keys.size());
    for (const auto& each : keys)
        what.arg(each);
    for (const auto& each : arguments)
        what.arg(each);
    return what;
}

// Redis 2.6 to 7.4 and Valkey: "-NOSCRIPT No matching script. Please use EVAL."
bool is_unknown_script(std::string_view message) {
    return message.starts_with("NOSCRIPT No matching script");
}

}  // namespace headroom::redis
