// SPDX-License-Identifier: Apache-2.0
// The workloads on the asynchronous client, written as a user of it would write them.
#include "async_run.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "net/deadline.hpp"
#include "redis/client.hpp"
#include "redis/subscriber.hpp"

namespace headroom::bench {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using redis::command;

namespace {

constexpr auto patience = 10s;
constexpr std::uint32_t keys = 1000;
constexpr std::uint32_t queues = 4;

enum class workload : std::uint8_t { get_small, set_large, publish, mixed };

workload workload_of(std::string_view name) {
    if (name == "R1") return workload::get_small;
    if (name == "R2") return workload::set_large;
    if (name == "R3") return workload::publish;
    return workload::mixed;
}

// 64 bytes that begin with the time in 20 digits.
std::string stamped(clock::time_point time) {
    std::string text(64, 'x');
    auto left = time.time_since_epoch().count();
    for (std::size_t i = 20; i-- > 0; left /= 10)
        text[i] = static_cast<char>('0' + left % 10);
    return text;
}

clock::time_point stamp_of(std::string_view text) {
    std::int64_t number = 0;
    (void)std::from_chars(text.data(), text.data() + 20, number);
    return clock::time_point(clock::duration(number));
}

[[noreturn]] void give_up(std::string_view what, std::string_view why) {
    fmt::print(stderr, "bench_redis: {}: {}\n", what, why);
    std::_Exit(1);
}

class async_run {
public:
    explicit async_run(const run_arguments& given)
        : given_(given),
          workload_(workload_of(given.workload)),
          redis_(loop_.get_executor(), options_for(given)),
          commands_(redis_.owner("commands")),
          pops_(redis_.owner("pops")) {}

    run_result measure();

private:
    static redis::client_options options_for(const run_arguments& given);
    [[nodiscard]] pool::call call_of(pool::owner_id owner) const {
        return {owner, clock::now() + patience};
    }
    static std::string key_of(std::uint64_t number) { return "k:" + std::to_string(number % keys); }

    asio::awaitable<void> fill();
    asio::awaitable<void> caller(std::uint32_t number, clock::time_point until);
    [[nodiscard]] command request(std::uint64_t number, clock::time_point begun) const;
    void check(const result<redis::value>& reply, std::uint64_t number) const;
    asio::awaitable<void> pop(std::uint32_t number);
    asio::awaitable<void> push();
    void run_callers(double seconds);
    void run_to_its_end(asio::awaitable<void> work);
    static asio::awaitable<void> listen(redis::subscriber& to);
    static asio::awaitable<void> end(redis::subscriber* listener, redis::client& used);

    const run_arguments& given_;
    const workload workload_;
    asio::io_context loop_{1};
    redis::client redis_;
    pool::owner_id commands_;
    pool::owner_id pops_;
    const std::string small_ = std::string(64, 'v');
    const std::string large_ = std::string(1024, 'v');
    run_result measured_;
    std::uint32_t running_ = 0;
    bool is_stopping_ = false;
};

redis::client_options async_run::options_for(const run_arguments& given) {
    redis::client_options options;
    options.server.host = given.host;
    options.server.port = given.port;
    options.identity = {"bench", "bench", ::getpid()};
    options.kind = "async";
    options.bounds.cap = given.pool;
    options.has_subscriber = given.workload == "R3";
    return options;
}

asio::awaitable<void> async_run::fill() {
    for (std::uint32_t i = 0; i < keys; ++i) {
        const auto reply =
            co_await redis_.execute(command("SET", key_of(i), small_), call_of(commands_));
        if (!reply) give_up("filling the keys", reply.error().what());
    }
}

command async_run::request(std::uint64_t number, clock::time_point begun) const {
    switch (workload_) {
        case workload::get_small:
            break;
        case workload::set_large:
            return command("SET", key_of(number) + "b", large_);
        case workload::publish:
            return command("PUBLISH", "bench", stamped(begun));
        case workload::mixed:
            if (number % 5 == 4) return command("SET", key_of(number), small_);
            break;
    }
    return command("GET", key_of(number));
}

void async_run::check(const result<redis::value>& reply, std::uint64_t number) const {
    if (!reply) give_up(given_.workload, reply.error().what());
    const bool is_set =
        workload_ == workload::set_large || (workload_ == workload::mixed && number % 5 == 4);
    if (workload_ == workload::publish) {
        if (reply->integer != 1) give_up("PUBLISH", "nobody received it");
    } else if (is_set) {
        if (reply->text != "OK") give_up("SET", reply->text);
    } else if (reply->text != small_) {
        give_up("GET", "another value than was set");
    }
}

asio::awaitable<void> async_run::caller(std::uint32_t number, clock::time_point until) {
    auto& done = measured_.operations_of_callers[number];
    for (auto begun = clock::now(); begun < until; begun = clock::now()) {
        const auto at = number * 31 + done;
        const auto reply =
            co_await redis_.execute(request(at, begun), {commands_, begun + patience});
        check(reply, at);
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
            const auto reply = co_await mine->execute(
                command("BRPOP", fmt::format("q:{}", number), 1), clock::now() + patience);
            if (!reply) give_up("BRPOP", reply.error().what());
            if (reply->is_array())
                measured_.deliveries.add(stamp_of(reply->items.at(1).text), clock::now());
        }
    }
}

asio::awaitable<void> async_run::push() {
    for (std::uint64_t i = 0; !is_stopping_; ++i) {
        const auto reply = co_await redis_.execute(
            command("LPUSH", fmt::format("q:{}", i % queues), stamped(clock::now())),
            call_of(commands_));
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
    if (given_.workload == "R3") {
        redis::subscriber_callbacks callbacks;
        callbacks.on_message = [this](std::string_view, std::string_view payload) {
            measured_.deliveries.add(stamp_of(payload), clock::now());
        };
        listener = std::make_unique<redis::subscriber>(redis_, "listener", std::move(callbacks));
        run_to_its_end(listen(*listener));
    }
    if (given_.workload == "R4") {
        for (std::uint32_t i = 0; i < queues; ++i)
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
