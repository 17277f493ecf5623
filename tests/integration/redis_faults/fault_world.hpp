// SPDX-License-Identifier: Apache-2.0
// A Redis behind a fault gate and the clients before it, warmed up, and the one end of every fault
// test: all is as it was. Not the faults.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/deadline.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/subscriber.hpp"
#include "support/fault_gate.hpp"
#include "support/outcome_word.hpp"
#include "support/private_redis.hpp"
#include "support/run_on_loop.hpp"

namespace headroom::redis {

// How calls ended, by word: "ok", "unknown", ...
class outcome_tally {
public:
    void add(const error* failed) {
        ++counts_[failed == nullptr ? "ok" : test::outcome_word(failed->code)];
    }
    template <class T>
    void add(const result<T>& reply) {
        add(reply ? nullptr : &reply.error());
    }
    [[nodiscard]] int of(const std::string& what) const;
    [[nodiscard]] int total() const;
    // Nothing but these.
    [[nodiscard]] testing::AssertionResult has_only(std::initializer_list<std::string> words) const;
    [[nodiscard]] std::string text() const;

private:
    std::map<std::string, int> counts_;
};

struct fault_world_options {
    std::vector<std::string> server_options;
    std::uint32_t cap = 4;
    bool has_subscriber = false;
    std::uint32_t warm_leases = 1;  // connections beside the lane, idle when warm
    clock::duration silence_max = std::chrono::milliseconds(300);
    std::size_t lane_bytes_max = 64 * 1024 * 1024;
};

// Short limits, so that faults are noticed in tenths of seconds. One lane connection, so that the
// number of connections when idle does not depend on the load before.
[[nodiscard]] client_options options_behind(const test::fault_gate& gate, std::string_view kind,
                                            const fault_world_options& wanted);

// Prints a line of the table that the fault tier is.
void tell_recovery(std::string_view fault, const outcome_tally& got, clock::duration took,
                   std::size_t before, std::size_t after);

// The asynchronous client, its subscriber and any number of callers on one loop.
class fault_world {
public:
    explicit fault_world(fault_world_options given = {});
    ~fault_world();
    fault_world(const fault_world&) = delete;
    fault_world& operator=(const fault_world&) = delete;

    // --- Callers ---
    // A caller of the test's; cancelled by cancel_all(), unless it is to be spared.
    void start(boost::asio::awaitable<void> caller, bool is_spared = false);
    // Callers that each want their own token back until `within` from now.
    void start_echoes(int count, clock::duration within);
    void start_execute(command what, clock::duration within, std::string expected = {});
    void cancel_all();
    [[nodiscard]] std::size_t running() const { return running_; }
    [[nodiscard]] bool becomes(std::function<bool()> condition,
                               clock::duration within = std::chrono::seconds(10));
    // Every caller ends within the time.
    void join(clock::duration within = std::chrono::seconds(10));
    [[nodiscard]] result<value> execute(command what,
                                        clock::duration within = std::chrono::seconds(5));
    // The gate has passed `more` bytes on since the last call or the warm-up.
    [[nodiscard]] bool passes(test::toward whom, std::size_t more);

    // Heals the gate. The next command succeeds within `bound` (with a subscriber: it is restored,
    // and a message arrives), nothing is leased, waited for or outstanding, and the server has as
    // many connections as when the world was warm. Forgets the outcomes.
    void expect_recovers(std::string_view fault, clock::duration bound = std::chrono::seconds(5));
    // Ends all; the server must have no connection of ours.
    void close(clock::duration within = std::chrono::seconds(5));

    [[nodiscard]] std::size_t on_server();
    // How often the subscriber said so.
    [[nodiscard]] std::ptrdiff_t told_of(std::string_view what) const {
        return std::ranges::count(told, what);
    }
    [[nodiscard]] call by(clock::duration within) const { return {owner, test::in(within)}; }

    fault_world_options wanted;
    test::private_redis server;
    test::fault_gate gate;
    boost::asio::io_context loop{1};
    std::unique_ptr<client> redis;
    std::unique_ptr<subscriber> relay;
    pool::owner_id owner{};
    outcome_tally outcomes;
    std::vector<std::string> told;  // by the subscriber: "gap", "restored", "channel=payload"

private:
    void warm_up();
    [[nodiscard]] bool is_at_rest() const;
    [[nodiscard]] bool answers_by(deadline until);
    [[nodiscard]] bool relays_by(deadline until);
    static boost::asio::awaitable<void> use_leases(fault_world& self, std::uint32_t count);
    static boost::asio::awaitable<void> call_once(fault_world& self, command what, deadline until,
                                                  std::string expected);

    std::size_t running_ = 0;
    std::vector<std::unique_ptr<boost::asio::cancellation_signal>> signals_;
    std::vector<std::unique_ptr<boost::asio::cancellation_signal>> spared_;
    std::array<std::uint64_t, 2> passed_{};
    std::size_t before_ = 0;  // connections on the server
    int tokens_ = 0;
};

// The blocking client, and calls in threads of their own.
class blocking_world {
public:
    explicit blocking_world(fault_world_options given = {.server_options = {}, .cap = 2});
    ~blocking_world();
    blocking_world(const blocking_world&) = delete;
    blocking_world& operator=(const blocking_world&) = delete;

    [[nodiscard]] result<value> execute(const command& what, clock::duration within);
    // In a thread of its own; join() ends it.
    void start_execute(command what, clock::duration within, std::string expected = {});
    void join();
    [[nodiscard]] bool passes(test::toward whom, std::size_t more);
    // As fault_world's.
    void expect_recovers(std::string_view fault, clock::duration bound = std::chrono::seconds(5));

    fault_world_options wanted;
    test::private_redis server;
    test::fault_gate gate;
    std::unique_ptr<blocking_client> redis;
    pool::owner_id owner{};
    std::mutex mutex;
    outcome_tally outcomes;  // guarded by mutex while threads run

private:
    void use_all();
    [[nodiscard]] std::size_t on_server();

    std::vector<std::thread> threads_;
    std::array<std::uint64_t, 2> passed_{};
    std::size_t before_ = 0;
};

// True as soon as `condition` holds, for a thread; false when `within` passed first.
[[nodiscard]] bool wait_in_thread(const std::function<bool()>& condition,
                                  clock::duration within = std::chrono::seconds(10));

}  // namespace headroom::redis
