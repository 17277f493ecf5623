// SPDX-License-Identifier: Apache-2.0
// The workloads on the blocking client, a thread for each caller, written as a user of it would
// write them.
#include "sync_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <thread>

#include "pool/blocking_pool.hpp"
#include "redis/blocking_client.hpp"
#include "redis/blocking_connection.hpp"
#include "redis/subscriber.hpp"
#include "workload.hpp"

namespace headroom::bench {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using redis::command;

namespace {

// The messages of R3, received on an event loop with a thread of its own.
class listener {
public:
    explicit listener(const run_arguments& given)
        : redis_(loop_.get_executor(), subscribing(given)),
          messages_(redis_, "listener", callbacks()) {
        asio::co_spawn(loop_, subscribe(), asio::detached);
        thread_ = std::thread([this] { loop_.run(); });
        is_subscribed_.wait(false);
    }
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    void begin_measuring() { is_measuring_ = true; }
    // Called once, last.
    latencies stop() {
        asio::co_spawn(loop_, end(), asio::detached);
        thread_.join();
        return std::move(deliveries_);
    }

private:
    static redis::client_options subscribing(const run_arguments& given) {
        auto options = options_for(given, "async");
        options.has_subscriber = true;
        return options;
    }
    redis::subscriber_callbacks callbacks() {
        redis::subscriber_callbacks all;
        all.on_message = [this](std::string_view, std::string_view payload) {
            if (is_measuring_) deliveries_.add(stamp_of(payload), clock::now());
        };
        return all;
    }
    asio::awaitable<void> subscribe() {
        const auto done = co_await messages_.subscribe("bench", clock::now() + patience);
        if (!done) give_up("SUBSCRIBE", done.error().what());
        is_subscribed_ = true;
        is_subscribed_.notify_one();
    }
    asio::awaitable<void> end() {
        co_await messages_.stop(clock::now() + patience);
        const auto closed = co_await redis_.close(clock::now() + patience);
        if (!closed) give_up("closing the subscriber", closed.error().what());
        loop_.stop();
    }

    asio::io_context loop_{1};
    redis::client redis_;
    redis::subscriber messages_;
    std::atomic<bool> is_subscribed_{false};
    std::atomic<bool> is_measuring_{false};
    latencies deliveries_;
    std::thread thread_;
};

class sync_run {
public:
    explicit sync_run(const run_arguments& given)
        : given_(given),
          work_(given.workload),
          redis_(options_for(given, "sync")),
          owner_(redis_.owner("commands")) {}

    run_result measure();

private:
    [[nodiscard]] pool::call call() const { return {owner_, clock::now() + patience}; }
    redis::value expect(const command& what) {
        auto reply = redis_.execute(what, call());
        if (!reply) give_up(what.name(), reply.error().what());
        return std::move(*reply);
    }

    void run_callers(double seconds);
    void pop(std::uint32_t number);
    void push();

    const run_arguments& given_;
    const workload work_;
    redis::blocking_client redis_;
    pool::owner_id owner_;
    run_result measured_;
    std::vector<latencies> pops_ = std::vector<latencies>(workload_queues);
    std::atomic<bool> is_measuring_{false};
    std::atomic<bool> is_stopping_{false};
};

void sync_run::run_callers(double seconds) {
    const auto until = clock::now() + std::chrono::nanoseconds(std::llround(seconds * 1e9));
    std::vector<latencies> times(given_.concurrency);
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < given_.concurrency; ++t) {
        threads.emplace_back([this, t, until, &mine = times[t]] {
            mine.reserve(1 << 14);
            for (auto begun = clock::now(); begun < until; begun = clock::now()) {
                const auto at = t * 31 + mine.count();
                const auto reply =
                    redis_.execute(work_.request(at, begun), {owner_, begun + patience});
                work_.check(reply, at);
                mine.add(begun, clock::now());
            }
        });
    }
    for (auto& each : threads)
        each.join();
    measured_.commands.clear();
    measured_.operations_of_callers.clear();
    for (const auto& each : times) {
        measured_.commands.add_all(each);
        measured_.operations_of_callers.push_back(each.count());
    }
}

void sync_run::pop(std::uint32_t number) {
    while (!is_stopping_) {
        const auto reply = expect(workload::pop(number));
        if (reply.is_array() && is_measuring_)
            pops_[number].add(stamp_of(reply.items.at(1).text), clock::now());
    }
}

void sync_run::push() {
    for (std::uint64_t i = 0; !is_stopping_; ++i) {
        (void)expect(workload::push(i));
        ::usleep(2000);
    }
}

run_result sync_run::measure() {
    for (std::uint32_t i = 0; i < workload_keys; ++i)
        (void)expect(work_.fill(i));
    std::unique_ptr<listener> messages;
    if (work_.publishes()) messages = std::make_unique<listener>(given_);
    std::vector<std::thread> background;
    if (work_.has_blocking_neighbours()) {
        for (std::uint32_t i = 0; i < workload_queues; ++i)
            background.emplace_back([this, i] { pop(i); });
        background.emplace_back([this] { push(); });
    }

    run_callers(warm_up_seconds);
    is_measuring_ = true;
    if (messages) messages->begin_measuring();
    const double cpu_before = cpu_us();
    const auto begun = clock::now();
    run_callers(given_.seconds);
    measured_.seconds = std::chrono::duration<double>(clock::now() - begun).count();
    measured_.cpu_us = cpu_us() - cpu_before;
    measured_.client = "headroom-sync";

    is_stopping_ = true;
    for (auto& each : background)
        each.join();
    for (const auto& each : pops_)
        measured_.deliveries.add_all(each);
    if (messages) measured_.deliveries = messages->stop();
    if (const auto closed = redis_.close(clock::now() + patience); !closed)
        give_up("closing the pool", closed.error().what());
    return std::move(measured_);
}

}  // namespace

run_result run_sync(const run_arguments& given) {
    return sync_run(given).measure();
}

void run_acquire(const run_arguments& given) {
    const auto options = options_for(given, "sync");
    redis::blocking_connector opener(redis::to_dial_options(options));
    pool::blocking_pool pool({options.kind, options.bounds, 5s}, opener);
    const auto owner = pool.owner("cycles");
    const auto cycles = [&](std::uint64_t each) {
        std::vector<std::thread> threads;
        for (std::uint32_t t = 0; t < given.concurrency; ++t) {
            threads.emplace_back([&pool, owner, each] {
                const auto by = clock::now() + 60s;
                for (std::uint64_t i = 0; i < each; ++i) {
                    auto held = pool.acquire(owner, by);
                    if (!held) give_up("acquire", held.error().what());
                    held->mark_reusable();
                }
            });
        }
        for (auto& each_thread : threads)
            each_thread.join();
    };
    const std::uint64_t each = given.concurrency == 1 ? 3'000'000 : 2'000'000 / given.concurrency;
    cycles(each / 10);
    const double cpu_before = cpu_us();
    const auto begun = clock::now();
    cycles(each);
    const auto elapsed = static_cast<double>((clock::now() - begun).count());
    const auto count = static_cast<double>(each * given.concurrency);
    fmt::print(R"({{"client":"headroom-sync","workload":"A1","concurrency":{},"pool":{},"ops":{},)"
               R"("seconds":{:.3f},"ops_per_s":{:.0f},"ns_per_cycle":{:.1f},)"
               R"("client_cpu_us_per_op":{:.4f}}})"
               "\n",
               given.concurrency, given.pool, each * given.concurrency, elapsed / 1e9,
               count / (elapsed / 1e9), elapsed / count, (cpu_us() - cpu_before) / count);
    if (const auto closed = pool.drain(clock::now() + patience); !closed)
        give_up("closing the pool", closed.error().what());
}

}  // namespace headroom::bench
