// SPDX-License-Identifier: Apache-2.0
// What the Redis client holds in memory: an idle connection, a hundred thousand channels, and
// whether ten million commands leave anything behind. Starts no server.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <vector>

#include "net/deadline.hpp"
#include "redis/client.hpp"
#include "redis/subscriber.hpp"

namespace headroom::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto patience = 60s;
constexpr std::uint32_t idle_connections = 200;
constexpr std::uint32_t channels = 100'000;
constexpr std::uint32_t callers = 64;

[[noreturn]] void give_up(std::string_view what, std::string_view why) {
    fmt::print(stderr, "bench_redis_memory: {}: {}\n", what, why);
    std::_Exit(1);
}

std::size_t allocated_bytes() {
    const auto now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

std::size_t resident_bytes() {
    std::ifstream from("/proc/self/statm");
    std::size_t pages = 0;
    from >> pages >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct server_address {
    std::string host;
    std::uint16_t port = 0;
};

redis::client_options options_for(const server_address& at, std::uint32_t cap) {
    redis::client_options options;
    options.server.host = at.host;
    options.server.port = at.port;
    options.identity = {"bench", "memory", ::getpid()};
    options.kind = "async";
    options.bounds.cap = cap;
    options.bounds.idle_timeout = clock::duration::zero();
    return options;
}

void run(asio::io_context& loop, asio::awaitable<void> work) {
    asio::co_spawn(loop, std::move(work), [&loop](const std::exception_ptr&) { loop.stop(); });
    loop.run();
    loop.restart();
}

asio::awaitable<void> close(redis::client& what) {
    const auto closed = co_await what.close(clock::now() + patience);
    if (!closed) give_up("closing the pool", closed.error().what());
}

asio::awaitable<void> open_and_leave_idle(redis::client& from, std::uint32_t count) {
    std::vector<redis::exclusive_connection> held;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto one = co_await from.lease({from.owner("bench"), clock::now() + patience});
        if (!one) give_up("lease", one.error().what());
        const auto pong = co_await one->execute(redis::command("PING"), clock::now() + patience);
        if (!pong) give_up("PING", pong.error().what());
        held.push_back(std::move(*one));
    }
}

std::size_t bytes_of_an_idle_connection(const server_address& at) {
    asio::io_context loop{1};
    redis::client used(loop.get_executor(), options_for(at, idle_connections + 1));
    run(loop, open_and_leave_idle(used, 1));  // what there is once
    const auto before = allocated_bytes();
    run(loop, open_and_leave_idle(used, idle_connections + 1));
    if (used.stats().idle != idle_connections + 1) give_up("the pool", "connections are missing");
    const auto after = allocated_bytes();
    run(loop, close(used));
    return (after - before) / idle_connections;
}

asio::awaitable<void> subscribe_all(redis::subscriber& to, std::uint32_t from, std::uint32_t end) {
    for (; from < end; ++from) {
        const auto done = co_await to.subscribe(fmt::format("chat:session:{:032x}", from),
                                                clock::now() + patience);
        if (!done) give_up("SUBSCRIBE", done.error().what());
    }
}

asio::awaitable<void> stop(redis::subscriber& what) {
    co_await what.stop(clock::now() + patience);
}

std::size_t bytes_of_channels(const server_address& at) {
    asio::io_context loop{1};
    redis::client used(loop.get_executor(), options_for(at, 2));
    redis::subscriber listener(used, "listener", {});
    run(loop, subscribe_all(listener, 0, 1));
    const auto before = resident_bytes();
    std::uint32_t left = callers;
    for (std::uint32_t i = 0; i < callers; ++i) {
        asio::co_spawn(
            loop,
            subscribe_all(listener, 1 + channels * i / callers, 1 + channels * (i + 1) / callers),
            [&](const std::exception_ptr&) {
                if (--left == 0) loop.stop();
            });
    }
    loop.run();
    loop.restart();
    if (listener.channel_count() != channels + 1) give_up("the subscriber", "channels are missing");
    const auto after = resident_bytes();
    run(loop, stop(listener));
    run(loop, close(used));
    return after - before;
}

asio::awaitable<void> get_and_set(redis::client& with, pool::owner_id owner, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto by = clock::now() + patience;
        const auto key = "k:" + std::to_string(i % 1000);
        const auto reply = i % 2 == 0
                               ? co_await with.execute(
                                     redis::command("SET", key, std::string(64, 'v')), {owner, by})
                               : co_await with.execute(redis::command("GET", key), {owner, by});
        if (!reply) give_up("a command", reply.error().what());
    }
}

struct growth {
    std::size_t early = 0;
    std::size_t late = 0;
};

growth resident_bytes_over(const server_address& at, std::uint64_t operations) {
    asio::io_context loop{1};
    redis::client used(loop.get_executor(), options_for(at, 8));
    const auto owner = used.owner("bench");
    const auto run_for = [&](std::uint64_t count) {
        std::uint32_t left = callers;
        for (std::uint32_t i = 0; i < callers; ++i) {
            asio::co_spawn(loop, get_and_set(used, owner, count / callers),
                           [&](const std::exception_ptr&) {
                               if (--left == 0) loop.stop();
                           });
        }
        loop.run();
        loop.restart();
    };
    growth seen;
    run_for(operations / 10);
    seen.early = resident_bytes();
    run_for(operations - operations / 10);
    seen.late = resident_bytes();
    run(loop, close(used));
    return seen;
}

}  // namespace
}  // namespace headroom::bench

int main(int argc, char** argv) {
    namespace bench = headroom::bench;
    bench::server_address at;
    std::uint64_t operations = 10'000'000;
    CLI::App app("Measures what the Redis client holds in memory, and prints one JSON line.",
                 "bench_redis_memory");
    app.add_option("HOST", at.host, "of the server")->required();
    app.add_option("PORT", at.port, "of the server")->required();
    app.add_option("OPERATIONS", operations, "after which memory must not have grown");
    CLI11_PARSE(app, argc, argv);
    // First of all: what the others free could hide a growth.
    const auto seen = bench::resident_bytes_over(at, operations);
    const auto connection = bench::bytes_of_an_idle_connection(at);
    const auto channels = bench::bytes_of_channels(at);
    fmt::print(R"({{"idle_connection_bytes":{},"channels":{},"channels_bytes":{},"operations":{},)"
               R"("resident_bytes_after_a_tenth":{},"resident_bytes_after_all":{}}})"
               "\n",
               connection, bench::channels, channels, operations, seen.early, seen.late);
    return 0;
}
