// SPDX-License-Identifier: Apache-2.0
#include "loop_callers.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "net/deadline.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::stress {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using redis::command;
using test::in;
using test::run_on;

namespace {
constexpr int kinds = 6;
constexpr std::array channels{"stress:a", "stress:b", "stress:c", "stress:d"};
constexpr std::size_t pipeline_length = 12;
}  // namespace

loop_callers::loop_callers(redis::client_options options, std::size_t callers, std::uint64_t seed)
    : redis_(loop_.get_executor(), std::move(options)),
      subscriber_(redis_, "relay",
                  {[this](std::string_view channel, std::string_view payload) {
                       on_message(channel, payload);
                   },
                   [this](const error&) { ++gaps; },
                   {}}),
      owner_(redis_.owner("stress")),
      random_(seed) {
    for (std::size_t i = 0; i < callers; ++i)
        signals_.push_back(std::make_unique<asio::cancellation_signal>());
}

void loop_callers::run_until(deadline end) {
    const auto at_end = [this](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
        --running_;
    };
    for (const auto* channel : channels) {
        ++running_;
        asio::co_spawn(loop_, subscriber_.subscribe(channel, end),
                       [this](const std::exception_ptr&, const result<void>&) { --running_; });
    }
    for (std::size_t i = 0; i < signals_.size(); ++i) {
        ++running_;
        asio::co_spawn(loop_, call(*this, i, end),
                       asio::bind_cancellation_slot(signals_[i]->slot(), at_end));
    }
    ++running_;
    asio::co_spawn(loop_, cancel_some(*this, end), at_end);
    const auto patience = end + 20s;
    while (running_ > 0 && clock::now() < patience)
        loop_.run_one_until(patience);
    loop_.restart();
    if (running_ > 0) throw std::runtime_error(fmt::format("{} callers do not end", running_));
}

asio::awaitable<void> loop_callers::call(loop_callers& self, std::size_t who, deadline end) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto name = fmt::format("caller-{}", who);
    while (clock::now() < end) {
        co_await asio::this_coro::reset_cancellation_state();  // of the last call
        const auto by = self.draw_deadline(end);
        const bool is_ok = co_await self.use(self.draw(3) == 0 ? self.draw(kinds) : 0, name, by);
        // What fails at once must leave the loop time for others.
        if (!is_ok) co_await net::sleep_until(in(1ms));
    }
}

asio::awaitable<void> loop_callers::cancel_some(loop_callers& self, deadline end) {
    while (clock::now() < end) {
        co_await net::sleep_until(in(std::chrono::milliseconds(self.draw(8) + 1)));
        auto& signal = *self.signals_[self.random_() % self.signals_.size()];
        ++self.cancels;
        signal.emit(asio::cancellation_type::terminal);
    }
}

deadline loop_callers::draw_deadline(deadline end) {
    const auto far = std::min(in(2s), end + 1s);
    return draw(5) == 0 ? in(std::chrono::milliseconds(draw(30))) : far;
}

asio::awaitable<bool> loop_callers::use(int kind, std::string who, deadline by) {
    auto token = fmt::format("{}:{}", who, ++serial_);
    switch (kind) {
        case 1:
            return set_and_get(std::move(token), by);
        case 2:
            return increment(by);
        case 3:
            return echo_pipeline(std::move(token), by);
        case 4:
            return push_and_pop(std::move(token), by);
        case 5:
            return publish(std::move(token), by);
        default:
            return echo(std::move(token), by);
    }
}

asio::awaitable<bool> loop_callers::echo(std::string token, deadline until) {
    const auto reply = co_await redis_.execute(command("ECHO", token), by(until));
    tally.add(reply);
    if (reply) tally.expect("ECHO", token, reply->text);
    co_return reply.has_value();
}

asio::awaitable<bool> loop_callers::set_and_get(std::string token, deadline until) {
    const auto key = "stress:key:" + token;
    const auto done = co_await redis_.execute(command("SET", key, token, "EX", 600), by(until));
    tally.add(done);
    if (done) tally.expect("SET", "OK", done->text);
    const auto reply = co_await redis_.execute(command("GET", key), by(until));
    tally.add(reply);
    // A SET of unknown outcome may have run or not.
    if (reply && (done || !reply->is_null())) tally.expect("GET", token, reply->text);
    co_return done.has_value() && reply.has_value();
}

asio::awaitable<bool> loop_callers::increment(deadline until) {
    const auto reply = co_await redis_.execute(command("INCR", "stress:n"), by(until));
    tally.add(reply);
    tally.add_increments(reply);
    co_return reply.has_value();
}

asio::awaitable<bool> loop_callers::echo_pipeline(std::string token, deadline until) {
    std::vector<command> what;
    for (std::size_t i = 0; i < pipeline_length; ++i)
        what.emplace_back("ECHO", fmt::format("{}.{}", token, i));
    what.emplace_back("INCR", "stress:n");
    const auto replies = co_await redis_.pipeline(std::move(what), by(until));
    tally.add(replies);
    tally.add_increments(replies);
    for (std::size_t i = 0; replies && i < pipeline_length; ++i)
        tally.expect("pipeline", fmt::format("{}.{}", token, i), (*replies)[i].text);
    co_return replies.has_value();
}

// A list for each token: a BLPOP whose caller gave up may still run later, and takes nobody's.
asio::awaitable<bool> loop_callers::push_and_pop(std::string token, deadline until) {
    const auto list = "stress:list:" + token;
    const auto pushed = co_await redis_.execute(command("RPUSH", list, token), by(until));
    tally.add(pushed);
    auto leased = co_await redis_.lease(by(until));
    tally.add(leased);
    if (!leased) co_return false;
    const auto popped = co_await leased->execute(command("BLPOP", list, "0.02"), until);
    tally.add(popped);
    if (popped && !popped->is_null()) {
        tally.expect("BLPOP", list, popped->items.at(0).text);
        tally.expect("BLPOP's value", token, popped->items.at(1).text);
    } else if (popped && pushed) {
        tally.expect("BLPOP", token, "null");
    }
    co_return pushed.has_value() && popped.has_value();
}

asio::awaitable<bool> loop_callers::publish(std::string token, deadline until) {
    const std::string channel = channels.at(serial_ % channels.size());
    const auto reply = co_await redis_.execute(
        command("PUBLISH", channel, fmt::format("{} {}", channel, token)), by(until));
    tally.add(reply);
    co_return reply.has_value();
}

void loop_callers::on_message(std::string_view channel, std::string_view payload) {
    ++messages;
    tally.expect("a message", channel, payload.substr(0, payload.find(' ')));
}

bool loop_callers::all_succeeds() {
    bool is_ok = true;
    for (int kind = 0; kind < kinds; ++kind) {
        const bool done = run_on(loop_, use(kind, "last", in(5s)));
        if (!done) fmt::print(stderr, "after the storm: use {} of the client fails\n", kind);
        is_ok &= done;
    }
    const auto restored = run_on(loop_, subscriber_.restore(in(10s)));
    if (!restored) fmt::print(stderr, "after the storm: {}\n", restored.error().what());
    const auto heard = messages;
    const bool told = run_on(loop_, publish("last:1", in(5s)));
    const bool arrived = run_on(loop_, test::wait_until([&] { return messages > heard; }, in(5s)));
    if (!arrived) fmt::print(stderr, "after the storm: no message arrives\n");
    return is_ok && restored && told && arrived;
}

bool loop_callers::close() {
    run_on(loop_, subscriber_.stop(in(5s)));
    const auto closed = run_on(loop_, redis_.close(in(5s)));
    if (!closed) fmt::print(stderr, "close: {}\n", closed.error().what());
    const auto& now = redis_.stats();
    if (now.size() > 0 || now.waiting > 0 || redis_.lane().outstanding > 0)
        fmt::print(stderr, "close: something is left in the pool\n");
    return closed && now.size() == 0 && now.waiting == 0 && redis_.lane().outstanding == 0;
}

}  // namespace headroom::stress
