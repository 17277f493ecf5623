// SPDX-License-Identifier: Apache-2.0
// What is known about a command when its call ends. Exactly one of these is true of each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::redis {

enum class outcome : std::uint8_t {
    ok,
    server_error,  // the server says that it failed
    refused,       // the server says that it did not begin it
    not_sent,      // no byte of it reached the server
    unknown,       // it was sent and not answered: it may have run
};
inline constexpr std::size_t outcomes = 5;
// The same spelling in log, metric and code.
[[nodiscard]] constexpr std::string_view to_string(outcome of) {
    constexpr std::array<std::string_view, outcomes> names{"ok", "server_error", "refused",
                                                           "not_sent", "unknown"};
    return names[static_cast<std::size_t>(of)];
}

}  // namespace headroom::redis
