// SPDX-License-Identifier: Apache-2.0
#include "chat/bundles/clock_bundle.hpp"

#include <charconv>

#include "chat/core/time_text.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

constexpr auto answer_time_max = std::chrono::seconds(10);

// TIME answers {seconds, microseconds}.
result<std::string> server_time(redis::blocking_client& sync, redis::call how) {
    auto answer = sync.execute(redis::command("TIME"), how);
    if (!answer) return std::unexpected(answer.error());
    std::int64_t seconds = 0;
    if (answer->is_array() && answer->items.size() == 2) {
        const auto& text = answer->items[0].text;
        std::from_chars(text.data(), text.data() + text.size(), seconds);
    }
    if (seconds == 0) return failure(chat_errc::unexpected_answer, "TIME gave no time");
    return to_iso_text(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
}

class clock_bundle final : public bundle {
public:
    clock_bundle(redis::blocking_client& sync, blocking_threads& threads)
        : sync_(sync), threads_(threads), owner_(sync.owner("bundle:clock")) {}

    std::string_view name() const override { return "clock"; }

    asio::awaitable<result<void>> handle(bundle_request, answer_stream& answer,
                                         deadline by) override {
        by = std::min(by, clock::now() + answer_time_max);
        // The client outlives the threads; the job may outlive this coroutine.
        std::function<result<std::string>()> job =
            [client = &sync_, how = redis::call{owner_, by}] { return server_time(*client, how); };
        auto time = co_await threads_.run(std::move(job), by);
        if (!time) co_return std::unexpected(time.error());
        co_return answer.write("The server's time is " + *time + ".");
    }

private:
    redis::blocking_client& sync_;
    blocking_threads& threads_;
    pool::owner_id owner_;
};

}  // namespace

std::unique_ptr<bundle> make_clock_bundle(redis::blocking_client& sync, blocking_threads& threads) {
    return std::make_unique<clock_bundle>(sync, threads);
}

}  // namespace headroom::chat
