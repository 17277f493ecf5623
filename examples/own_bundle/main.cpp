// SPDX-License-Identifier: Apache-2.0
// A chat service with two bundles of its own, to copy from: `visits` runs on the event loop and has
// a setting; `shout` blocks on a thread. docs/bundles.md explains it line by line.
#include <algorithm>
#include <string>

#include "chat/service_main.hpp"

namespace {

using namespace headroom;
namespace asio = boost::asio;

constexpr auto redis_time_max = std::chrono::seconds(2);

// Counts the turns of a session in the service's Redis, through the worker's shared pool.
class visits_bundle final : public chat::bundle {
public:
    explicit visits_bundle(std::string greeting) : greeting_(std::move(greeting)) {}

    asio::awaitable<result<void>> handle(chat::bundle_turn turn,
                                         const chat::bundle_services& services) override {
        const auto by = std::min(turn.by, clock::now() + redis_time_max);
        redis::command count("INCR", "visits:" + turn.request.session_id);
        auto counted = co_await services.async.execute(std::move(count), services.async_call(by));
        if (!counted) co_return std::unexpected(counted.error());
        co_return turn.answer.write(greeting_ + ", visit " + std::to_string(counted->integer) +
                                    ".");
    }

private:
    std::string greeting_;
};

chat::bundle_definition visits() {
    return {.name = "visits",
            .summary = "Greets, and counts how often it did.",
            .limits = {.time_max = std::chrono::seconds(10), .answer_bytes_max = 1024},
            .settings = {{.key = "GREETING",
                          .default_text = "Welcome",
                          .meaning = "the first word of the answer",
                          .check = [](std::string_view value) -> std::optional<std::string> {
                              if (value.size() <= 80) return std::nullopt;
                              return "at most 80 characters";
                          }}},
            .make = [](const chat::bundle_values& values) {
                return std::make_unique<visits_bundle>(values.at("GREETING"));
            }};
}

// Blocks its thread on purpose; the event loop goes on.
result<std::string> shout(const chat::bundle_request& request,
                          const chat::blocking_services& with) {
    auto answered = with.sync.execute(redis::command("PING"), with.call);
    if (!answered) return std::unexpected(answered.error());
    std::string text = request.text;
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text + "!";
}

chat::bundle_definition shouting() {
    return {.name = "shout", .summary = "Says it again, loudly.", .make = [](const auto&) {
                return chat::make_blocking_bundle(shout);
            }};
}

}  // namespace

int main() {
    return chat::service_main(config::process_sources(), {visits(), shouting()});
}
