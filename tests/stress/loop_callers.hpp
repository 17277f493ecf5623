// SPDX-License-Identifier: Apache-2.0
// Callers of the asynchronous client on one event loop: each asks for its own tokens and is
// cancelled now and then. Not the faults.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "redis/client.hpp"
#include "redis/subscriber.hpp"
#include "token_tally.hpp"

namespace headroom::stress {

class loop_callers {
public:
    loop_callers(redis::client_options options, std::size_t callers, std::uint64_t seed);

    // Callers call and are cancelled until then; returns when all have ended.
    void run_until(deadline end);
    // Every kind of use succeeds now. Prints what does not.
    [[nodiscard]] bool all_succeeds();
    // Nothing is left afterwards.
    [[nodiscard]] bool close();

    token_tally tally;
    std::uint64_t cancels = 0;
    std::uint64_t messages = 0;
    std::uint64_t gaps = 0;

private:
    static boost::asio::awaitable<void> call(loop_callers& self, std::size_t who, deadline end);
    static boost::asio::awaitable<void> cancel_some(loop_callers& self, deadline end);
    // One use of its kind; true when it succeeded.
    boost::asio::awaitable<bool> use(int kind, std::string who, deadline by);
    boost::asio::awaitable<bool> echo(std::string token, deadline by);
    boost::asio::awaitable<bool> set_and_get(std::string token, deadline by);
    boost::asio::awaitable<bool> increment(deadline by);
    boost::asio::awaitable<bool> echo_pipeline(std::string token, deadline by);
    boost::asio::awaitable<bool> push_and_pop(std::string token, deadline by);
    boost::asio::awaitable<bool> publish(std::string token, deadline by);
    void on_message(std::string_view channel, std::string_view payload);
    [[nodiscard]] deadline draw_deadline(deadline end);
    [[nodiscard]] int draw(int below) {
        return std::uniform_int_distribution(0, below - 1)(random_);
    }
    [[nodiscard]] pool::call by(deadline until) const { return {owner_, until}; }

    boost::asio::io_context loop_{1};
    redis::client redis_;
    redis::subscriber subscriber_;
    pool::owner_id owner_;
    std::mt19937_64 random_;
    std::vector<std::unique_ptr<boost::asio::cancellation_signal>> signals_;
    std::size_t running_ = 0;
    std::uint64_t serial_ = 0;
};

}  // namespace headroom::stress
