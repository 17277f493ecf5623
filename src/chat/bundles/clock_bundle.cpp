// SPDX-License-Identifier: Apache-2.0
// The bundle `clock`: the shortest blocking one.
#include <chrono>

#include "chat/bundles/built_in_bundles.hpp"
#include "chat/core/time_text.hpp"
#include "redis/typed_call.hpp"

namespace headroom::chat {

namespace {

constexpr auto answer_time_max = std::chrono::seconds(10);

result<std::string> tell_server_time(const bundle_request&, const blocking_services& with) {
    const auto now = redis::run(with.sync, redis::commands::time(), with.call);
    if (!now) return std::unexpected(now.error());
    const auto whole = std::chrono::floor<std::chrono::seconds>(*now);
    return "The server's time is " + to_iso_text(whole) + ".";
}

}  // namespace

bundle_definition clock_definition() {
    return {.name = "clock",
            .summary = "Tells the time of the Redis server.",
            .limits = {.time_max = answer_time_max},
            .make = [](const bundle_values&) { return make_blocking_bundle(tell_server_time); }};
}

}  // namespace headroom::chat
