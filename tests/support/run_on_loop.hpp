// SPDX-License-Identifier: Apache-2.0
// Runs a coroutine on an event loop of its own, and waits for conditions. No test sleeps.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "base/time.hpp"
#include "net/deadline.hpp"

namespace headroom::test {

[[nodiscard]] inline deadline in(clock::duration from_now) {
    return clock::now() + from_now;
}

// Runs `work` and everything it spawned on `loop` until `work` has ended; the test dies when that
// takes 60 s.
template <class T>
T run_on(boost::asio::io_context& loop, boost::asio::awaitable<T> work) {
    std::exception_ptr thrown;
    if constexpr (std::is_void_v<T>) {
        bool ended = false;
        boost::asio::co_spawn(loop, std::move(work), [&](std::exception_ptr e) {
            thrown = e;
            ended = true;
        });
        const auto by = in(std::chrono::seconds(60));
        while (!ended && clock::now() < by)
            loop.run_one_until(by);
        loop.restart();
        if (!ended) throw std::runtime_error("the coroutine did not end within 60 s");
        if (thrown) std::rethrow_exception(thrown);
    } else {
        std::optional<T> answer;
        boost::asio::co_spawn(loop, std::move(work), [&](std::exception_ptr e, T value) {
            thrown = e;
            answer.emplace(std::move(value));
        });
        const auto by = in(std::chrono::seconds(60));
        while (!answer && clock::now() < by)
            loop.run_one_until(by);
        loop.restart();
        if (!answer) throw std::runtime_error("the coroutine did not end within 60 s");
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*answer);
    }
}

template <class T>
T run_on_loop(boost::asio::awaitable<T> work) {
    boost::asio::io_context loop{1};
    return run_on(loop, std::move(work));
}

// True as soon as `condition` holds; false when `by` passed first. Looks again every few
// milliseconds.
inline boost::asio::awaitable<bool> wait_until(std::function<bool()> condition, deadline by) {
    while (!condition()) {
        if (clock::now() >= by) co_return false;
        co_await net::sleep_until(in(std::chrono::milliseconds(2)));
    }
    co_return true;
}

}  // namespace headroom::test
