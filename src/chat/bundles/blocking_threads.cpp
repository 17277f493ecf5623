// SPDX-License-Identifier: Apache-2.0
#include "chat/bundles/blocking_threads.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "chat/core/chat_error.hpp"
#include "net/event.hpp"

namespace headroom::chat {

namespace asio = boost::asio;

struct blocking_threads::state {
    explicit state(std::uint32_t max) : threads_max(max) {}
    std::uint32_t threads_max;
    std::optional<asio::thread_pool> threads;
};

namespace {

// One job: written by its thread before the event loop is told, read by the event loop after.
struct job_record {
    explicit job_record(const asio::any_io_executor& loop) : ended(loop) {}
    result<std::string> answer = failure(chat_errc::bundle_failed, "the job has not ended");
    net::event ended;  // event loop only
};

// The last stop of a bundle's exceptions.
result<std::string> run_guarded(const std::function<result<std::string>()>& job) {
    try {
        return job();
    } catch (const std::exception& thrown) {
        return failure(chat_errc::bundle_failed, thrown.what());
    } catch (...) {
        return failure(chat_errc::bundle_failed, "an exception of an unknown type");
    }
}

}  // namespace

blocking_threads::blocking_threads(std::uint32_t threads_max)
    : state_(std::make_unique<state>(threads_max)) {}

blocking_threads::~blocking_threads() {
    if (state_->threads) state_->threads->join();
}

asio::awaitable<result<std::string>> blocking_threads::run(std::function<result<std::string>()> job,
                                                           deadline by) {
    const auto loop = co_await asio::this_coro::executor;
    if (!state_->threads) state_->threads.emplace(state_->threads_max);

    // Second owner: the thread, when the caller gives up first.
    auto record = std::make_shared<job_record>(loop);
    asio::post(*state_->threads,
               [record, loop = asio::make_work_guard(loop), job = std::move(job)] {
                   record->answer = run_guarded(job);
                   asio::post(loop.get_executor(), [record] { record->ended.set(); });
               });
    const bool ended = co_await record->ended.wait(by);
    if (!ended) co_return failure(chat_errc::bundle_failed, "the bundle's job took too long");
    co_return std::move(record->answer);
}

}  // namespace headroom::chat
