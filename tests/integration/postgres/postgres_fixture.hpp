// SPDX-License-Identifier: Apache-2.0
// A Postgres pool on a loop of its own, for tests against a private server.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "postgres/postgres_pool.hpp"
#include "support/private_postgres.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::postgres {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::private_postgres;
using test::run_on;
using test::wait_until;

inline postgres_pool_options options_for(const private_postgres& server, std::uint32_t cap = 3,
                                         std::uint32_t floor = 0) {
    postgres_pool_options options;
    options.connection = server.connection();
    options.identity = {"chat", "host-1", 42};
    options.bounds.cap = cap;
    options.bounds.floor = floor;
    return options;
}

struct pool_fixture {
    explicit pool_fixture(postgres_pool_options options)
        : pool(std::make_unique<postgres_pool>(loop.get_executor(), std::move(options))),
          owner(pool->owner("test")) {}
    ~pool_fixture() {
        const auto closed = run(pool->close(in(5s)));
        EXPECT_TRUE(closed.has_value()) << closed.error().what();
    }

    // Asio spawns only what gives default-constructible values, which a lease in a result is not.
    template <class T>
    static asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& outcome) {
        outcome.emplace(co_await std::move(work));
    }
    template <class T>
    T run(asio::awaitable<T> work) {
        std::optional<T> outcome;
        run_on(loop, keep(std::move(work), outcome));
        return std::move(*outcome);
    }
    void run(asio::awaitable<void> work) { run_on(loop, std::move(work)); }

    result<rows> query(std::string sql, parameters with = {}, clock::duration within = 10s) {
        return run(pool->query(std::move(sql), std::move(with), {owner, in(within)}));
    }
    // Acquired; the test fails and the lease throws on use when there is none.
    postgres_lease acquire(clock::duration within = 10s) {
        auto held = run(pool->acquire({owner, in(within)}));
        EXPECT_TRUE(held.has_value()) << held.error().what();
        return std::move(held).value();
    }
    bool eventually(std::function<bool()> condition, clock::duration within = 10s) {
        return run(wait_until(std::move(condition), in(within)));
    }

    asio::io_context loop{1};
    std::unique_ptr<postgres_pool> pool;
    pool::owner_id owner;
};

// Spawns `count` coroutines and returns when all have ended.
template <class Make>
asio::awaitable<void> all_of(std::size_t count, Make make) {
    auto executor = co_await asio::this_coro::executor;
    auto left = std::make_shared<std::size_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
        asio::co_spawn(executor, make(i), [left](const std::exception_ptr& thrown) {
            EXPECT_FALSE(thrown);
            --*left;
        });
    }
    const auto done = co_await wait_until([left] { return *left == 0; }, in(50s));
    EXPECT_TRUE(done);
}

}  // namespace headroom::postgres
