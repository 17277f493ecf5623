// SPDX-License-Identifier: Apache-2.0
// The outcome of a Redis call in a word or two, for tables.
#pragma once

#include <string>
#include <system_error>

#include "redis/redis_error.hpp"

namespace headroom::test {

[[nodiscard]] inline std::string outcome_word(std::error_code code) {
    using redis::redis_errc;
    if (code == redis_errc::not_sent) return "not sent";
    if (code == redis_errc::unknown) return "unknown";
    if (code == redis_errc::refused) return "refused";
    if (code == redis_errc::closed) return "closed";
    if (code == redis_errc::server_error) return "server error";
    if (code == redis_errc::queue_full) return "queue full";
    if (code == redis_errc::connect_failed) return "connect failed";
    return std::string(code.category().name()) + ": " + code.message();
}

}  // namespace headroom::test
