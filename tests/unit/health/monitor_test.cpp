// SPDX-License-Identifier: Apache-2.0
#include "health/monitor.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <stdexcept>

#include "net/event.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::health {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::in;
using test::wait_until;

// A monitor whose probes end as the test has scripted; the last outcome repeats.
class Monitor : public testing::Test {
public:
    monitor_options scripted(std::deque<reachability> outcomes) {
        script = std::move(outcomes);
        return {.interval = milliseconds(1),
                .timeout = milliseconds(500),
                .probe = [this](deadline) { return probe(); },
                .before_up = [this](deadline) { return before_up(); }};
    }
    asio::awaitable<probe_result> probe() {
        ++probes;
        const auto outcome = script.front();
        if (script.size() > 1) script.pop_front();
        probe_result found{.outcome = outcome, .why = std::nullopt};
        if (outcome != reachability::up)
            found.why = error{std::make_error_code(std::errc::timed_out), "no PONG"};
        co_return found;
    }
    asio::awaitable<result<void>> before_up() {
        heard.push_back("resubscribed");
        if (refusals_left-- > 0)
            co_return failure(std::make_error_code(std::errc::timed_out), "not confirmed");
        co_return result<void>{};
    }
    listener note() {
        return [this](reachability state, const error* why) {
            heard.push_back(std::string(to_string(state)) +
                            (why == nullptr ? "" : ": " + why->detail));
        };
    }
    // Starts, waits until `count` things were heard, stops.
    void run(monitor& watched, std::size_t count) {
        test::run_on(
            loop, [](Monitor* self, monitor& each, std::size_t wanted) -> asio::awaitable<void> {
                each.start();
                EXPECT_TRUE(co_await wait_until(
                    [self, wanted] { return self->heard.size() >= wanted; }, in(seconds(5))));
                co_await each.stop(in(seconds(1)));
            }(this, watched, count));
    }

    asio::io_context loop{1};
    std::deque<reachability> script;
    std::vector<std::string> heard;
    int probes = 0;
    int refusals_left = 0;
};

using enum reachability;

TEST_F(Monitor, TellsEachChangeOnceAndUpOnlyAfterTheResubscribing) {
    monitor watched(loop.get_executor(), scripted({up, up, down, down, up}));
    watched.add_listener(note());
    run(watched, 5);
    EXPECT_EQ(heard, (std::vector<std::string>{"resubscribed", "up", "down: no PONG",
                                               "resubscribed", "up"}));
}

TEST_F(Monitor, DoesNotTellUpWhileTheResubscribingFails) {
    refusals_left = 2;
    monitor watched(loop.get_executor(), scripted({up}));
    watched.add_listener(note());
    run(watched, 5);
    EXPECT_EQ(heard, (std::vector<std::string>{"resubscribed", "down: not confirmed",
                                               "resubscribed", "resubscribed", "up"}));
}

TEST_F(Monitor, KeepsDegradedFromPlainListenersOnly) {
    monitor watched(loop.get_executor(), scripted({up, degraded, up, down}));
    watched.add_listener(note());
    std::vector<reachability> detailed;
    watched.add_detailed_listener(
        [&detailed](reachability state, const error*) { detailed.push_back(state); });
    run(watched, 4);
    EXPECT_EQ(heard,
              (std::vector<std::string>{"resubscribed", "up", "resubscribed", "down: no PONG"}));
    EXPECT_EQ(detailed, (std::vector{up, degraded, up, down}));
}

TEST_F(Monitor, TellsTheCurrentStateToALateListener) {
    monitor watched(loop.get_executor(), scripted({down}));
    std::vector<reachability> late;
    watched.add_listener(note());
    EXPECT_EQ(watched.is_healthy(), std::nullopt);
    run(watched, 1);
    EXPECT_EQ(watched.is_healthy(), false);
    watched.add_listener([&late](reachability state, const error*) { late.push_back(state); });
    EXPECT_EQ(late, (std::vector{down}));
}

TEST_F(Monitor, SurvivesListenersThatThrowOrRemoveThemselves) {
    monitor watched(loop.get_executor(), scripted({up, down, up}));
    watched.add_listener(
        [](reachability, const error*) { throw std::runtime_error("a listener's own fault"); });
    int once = 0;
    listener_id self{};
    self = watched.add_listener([&](reachability, const error*) {
        ++once;
        watched.remove_listener(self);
    });
    watched.add_listener(note());
    run(watched, 5);
    EXPECT_EQ(once, 1);
    EXPECT_EQ(heard.back(), "up");
}

}  // namespace
}  // namespace headroom::health
