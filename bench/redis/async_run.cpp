// SPDX-License-Identifier: Apache-2.0
// The workloads on the asynchronous client, written as a user of it would write them.
#include "async_run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <memory>

#include "net/deadline.hpp"
#include "redis/client.hpp"
#include "redis/subscriber.hpp"
#include "workload.hpp"

namespace headroom::bench {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

class async_run {
public:
    explicit async_run(const run_arguments& given)
        : given_(given),
          work_(given.workload),
          redis_(loop_.get_executor(), options_of(given)),
          commands_(redis_.owner("commands")),
          pops_(redis_.owner("pops")) {}

    run_result measure();

private:
    static redis::client_options options_of(const run_arguments& given) {
        auto options = options_for(given, "async");
        options.has_subscriber = workload(given.workload).publishes();
        return options;
    }
    [[nodiscard]] pool::call call_of(pool::owner_id owner) const {
        return {owner, clock::now() + patience};
    }

    asio::awaitable<void> fill();
    asio::awaitable<void> caller(std::uint32_t number, clock::time_point until);
    asio::awaitable<void> pop(std::uint32_t number);
    asio::awaitable<void> push();
    void run_callers(double seconds);
    void run_to_its_end(asio::awaitable<void> work);
    static asio::awaitable<void> listen(redis::subscriber& to);
    static asio::awaitable<void> end(redis::subscriber* listener, redis::client& used);

    const run_arguments& given_;
    const workload work_;
    asio::io_context loop_{1};
    redis::client redis_;
    pool::owner_id commands_;
    pool::owner_id pops_;
    run_result measured_;
    std::uint32_t running_ = 0;
    bool is_stopping_ = false;
};

asio::awaitable<void> async_run::fill() {
    for (std::uint32_t i = 0; i < workload_keys; ++i) {
        const auto reply = co_await redis_.execute(work_.fill(i), call_of(commands_));
        if (!reply) give_up("filling the keys", reply.error().what());
    }
}

asio::awaitable<void> async_run::caller(std::uint32_t number, clock::time_point until) {
    auto& done = measured_.operations_of_callers[number];
    for (auto begun = clock::now(); begun < until; begun = clock::now()) {
        const auto at = number * 31 + done;
        const auto reply =
            co_await redis_.execute(work_.request(at, begun), {commands_, begun + patience});
        work_.check(reply, at);
        measured_.commands.add(begun, clock::now());
        ++done;
    }
    if (--running_ == 0) loop_.stop();
}

// A blocking command has a connection of its own.
asio::awaitable<void> async_run::pop(std::uint32_t number) {
    while (!is_stopping_) {
        auto mine = co_await redis_.lease(call_of(pops_));
        if (!mine) give_up("lease", mine.error().what());
        while (!is_stopping_) {
            const auto reply =
                co_await mine->execute(workload::pop(number), clock::now() + patience);
            if (!reply) give_up("BRPOP", reply.error().what());
            if (reply->is_array())
                measured_.deliveries.add(stamp_of(reply->items.at(1).text), clock::now());
        }
    }
}

asio::awaitable<void> async_run::push() {
    for (std::uint64_t i = 0; !is_stopping_; ++i) {
        const auto reply = co_await redis_.execute(workload::push(i), call_of(commands_));
        if (!reply) give_up("LPUSH", reply.error().what());
        co_await net::sleep_until(clock::now() + 2ms);
    }
}

void async_run::run_callers(double seconds) {
    const auto until = clock::now() + std::chrono::nanoseconds(std::llround(seconds * 1e9));
    measured_.operations_of_callers.assign(given_.concurrency, 0);
    running_ = given_.concurrency;
    for (std::uint32_t i = 0; i < given_.concurrency; ++i)
        asio::co_spawn(loop_, caller(i, until), asio::detached);
    loop_.run();
    loop_.restart();
}

void async_run::run_to_its_end(asio::awaitable<void> work) {
    asio::co_spawn(loop_, std::move(work), [this](const std::exception_ptr&) { loop_.stop(); });
    loop_.run();
    loop_.restart();
}

asio::awaitable<void> async_run::listen(redis::subscriber& to) {
    const auto done = co_await to.subscribe("bench", clock::now() + patience);
    if (!done) give_up("SUBSCRIBE", done.error().what());
}

asio::awaitable<void> async_run::end(redis::subscriber* listener, redis::client& used) {
    if (listener != nullptr) co_await listener->stop(clock::now() + patience);
    const auto closed = co_await used.close(clock::now() + patience);
    if (!closed) give_up("closing the pool", closed.error().what());
}

run_result async_run::measure() {
    run_to_its_end(fill());
    std::unique_ptr<redis::subscriber> listener;
    if (work_.publishes()) {
        redis::subscriber_callbacks callbacks;
        callbacks.on_message = [this](std::string_view, std::string_view payload) {
            measured_.deliveries.add(stamp_of(payload), clock::now());
        };
        listener = std::make_unique<redis::subscriber>(redis_, "listener", std::move(callbacks));
        run_to_its_end(listen(*listener));
    }
    if (work_.has_blocking_neighbours()) {
        for (std::uint32_t i = 0; i < workload_queues; ++i)
            asio::co_spawn(loop_, pop(i), asio::detached);
        asio::co_spawn(loop_, push(), asio::detached);
    }

    run_callers(warm_up_seconds);
    measured_.commands.clear();
    measured_.deliveries.clear();
    const double cpu_before = cpu_us();
    const auto begun = clock::now();
    run_callers(given_.seconds);
    measured_.seconds = std::chrono::duration<double>(clock::now() - begun).count();
    measured_.cpu_us = cpu_us() - cpu_before;
    measured_.client = "headroom-async";

    is_stopping_ = true;
    run_to_its_end(end(listener.get(), redis_));
    return std::move(measured_);
}

}  // namespace

run_result run_async(const run_arguments& given) {
    return async_run(given).measure();
}

}  // namespace headroom::bench
