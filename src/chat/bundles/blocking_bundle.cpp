// SPDX-License-Identifier: Apache-2.0
// Runs a blocking handler on a thread and writes its answer. The threads are blocking_threads.
#include <functional>
#include <utility>

#include "chat/bundles/blocking_threads.hpp"
#include "chat/bundles/bundle.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

class blocking_bundle final : public bundle {
public:
    explicit blocking_bundle(blocking_handler handler) : handler_(std::move(handler)) {}

    asio::awaitable<result<void>> handle(bundle_turn turn,
                                         const bundle_services& services) override {
        // The job may outlive this coroutine: it owns what it uses, and the client outlives the
        // threads.
        std::function<result<std::string>()> job =
            [handler = handler_, request = std::move(turn.request),
             with = services.blocking(turn.by)] { return handler(request, with); };
        auto text = co_await services.threads.run(std::move(job), turn.by);
        if (!text) co_return std::unexpected(std::move(text.error()));
        co_return turn.answer.write(*text);
    }

private:
    blocking_handler handler_;
};

}  // namespace

std::unique_ptr<bundle> make_blocking_bundle(blocking_handler handler) {
    return std::make_unique<blocking_bundle>(std::move(handler));
}

}  // namespace headroom::chat
