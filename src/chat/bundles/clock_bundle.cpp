// SPDX-License-Identifier: Apache-2.0
// The bundle `clock`: the shortest blocking one.
#include <charconv>

#include "chat/bundles/built_in_bundles.hpp"
#include "chat/core/time_text.hpp"

namespace headroom::chat {

namespace {

constexpr auto answer_time_max = std::chrono::seconds(10);

// TIME answers {seconds, microseconds}.
result<std::string> tell_server_time(const bundle_request&, const blocking_services& with) {
    auto answer = with.sync.execute(redis::command("TIME"), with.call);
    if (!answer) return std::unexpected(answer.error());
    std::int64_t seconds = 0;
    if (answer->is_array() && answer->items.size() == 2) {
        const auto& text = answer->items[0].text;
        std::from_chars(text.data(), text.data() + text.size(), seconds);
    }
    if (seconds == 0) return failure(chat_errc::unexpected_answer, "TIME gave no time");
    const std::chrono::system_clock::time_point now{std::chrono::seconds(seconds)};
    return "The server's time is " + to_iso_text(now) + ".";
}

}  // namespace

bundle_definition clock_definition() {
    return {.name = "clock",
            .summary = "Tells the time of the Redis server.",
            .limits = {.time_max = answer_time_max},
            .make = [](const bundle_values&) { return make_blocking_bundle(tell_server_time); }};
}

}  // namespace headroom::chat
