// SPDX-License-Identifier: Apache-2.0
#include "fault_world.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>
#include <utility>

namespace headroom::redis {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::run_on;
using test::toward;

// --- Outcomes ---

int outcome_tally::of(const std::string& what) const {
    const auto at = counts_.find(what);
    return at == counts_.end() ? 0 : at->second;
}

int outcome_tally::total() const {
    int sum = 0;
    for (const auto& [what, count] : counts_)
        sum += count;
    return sum;
}

testing::AssertionResult outcome_tally::has_only(std::initializer_list<std::string> words) const {
    for (const auto& [what, count] : counts_) {
        if (std::ranges::find(words, what) == words.end())
            return testing::AssertionFailure() << "callers got: " << text();
    }
    if (counts_.empty()) return testing::AssertionFailure() << "nobody called";
    return testing::AssertionSuccess();
}

std::string outcome_tally::text() const {
    std::vector<std::string> parts;
    for (const auto& [what, count] : counts_)
        parts.push_back(fmt::format("{} {}", count, what));
    return parts.empty() ? "nothing pending" : fmt::format("{}", fmt::join(parts, ", "));
}

void tell_recovery(std::string_view fault, const outcome_tally& got, clock::duration took,
                   std::size_t before, std::size_t after) {
    const auto milliseconds = std::chrono::duration<double, std::milli>(took).count();
    fmt::print("| {} | {} | {:.1f} ms | {} -> {} |\n", fault, got.text(), milliseconds, before,
               after);
}

client_options options_behind(const test::fault_gate& gate, std::string_view kind,
                              const fault_world_options& wanted) {
    client_options options;
    options.server.host = "127.0.0.1";
    options.server.port = gate.port();
    options.identity = {"chat", "faults", 42};
    options.kind = kind;
    options.has_subscriber = wanted.has_subscriber;
    options.bounds.cap = wanted.cap;
    options.bounds.backoff_first = 10ms;
    options.bounds.backoff_max = 200ms;
    options.bounds.close_grace = 500ms;
    options.lane_connections_max = 1;
    options.lane_bytes_max = wanted.lane_bytes_max;
    options.connect_timeout = 500ms;
    options.silence_max = wanted.silence_max;
    options.retries.reads = false;  // what a loss does is to be seen, not made good
    return options;
}

// --- The asynchronous world ---

fault_world::fault_world(fault_world_options given)
    : wanted(std::move(given)), server(wanted.server_options), gate(server.port()) {
    redis = std::make_unique<client>(loop.get_executor(),
                                     options_behind(gate, pool_kind::async, wanted));
    owner = redis->owner("test");
    if (wanted.has_subscriber) {
        relay = std::make_unique<subscriber>(
            *redis, "relay",
            subscriber_callbacks{[this](std::string_view channel, std::string_view payload) {
                                     told.push_back(fmt::format("{}={}", channel, payload));
                                 },
                                 [this](const error&) { told.emplace_back("gap"); },
                                 [this] { told.emplace_back("restored"); }});
    }
    warm_up();
}

fault_world::~fault_world() {
    gate.heal();
    cancel_all();
    join();
    close();
}

void fault_world::warm_up() {
    const auto pong = execute(command("PING"));
    EXPECT_TRUE(pong.has_value()) << pong.error().what();
    if (relay) {
        EXPECT_TRUE(run_on(loop, relay->subscribe("warm", in(5s))).has_value());
    }
    run_on(loop, use_leases(*this, wanted.warm_leases));
    EXPECT_TRUE(becomes([this] { return is_at_rest(); }));
    before_ = on_server();
    EXPECT_EQ(before_, 1 + wanted.warm_leases + (relay ? 1U : 0U));
    (void)passes(toward::server, 0);
    (void)passes(toward::client, 0);
}

std::size_t fault_world::on_server() {
    return server.count_clients("chat:faults:42:async");
}

void fault_world::start(asio::awaitable<void> caller, bool is_spared) {
    auto signal = std::make_unique<asio::cancellation_signal>();
    ++running_;
    asio::co_spawn(loop, std::move(caller),
                   asio::bind_cancellation_slot(signal->slot(), [this](std::exception_ptr thrown) {
                       EXPECT_FALSE(thrown) << "a caller threw";
                       --running_;
                   }));
    (is_spared ? spared_ : signals_).push_back(std::move(signal));
}

asio::awaitable<void> fault_world::call_once(fault_world& self, command what, deadline until,
                                             std::string expected) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto reply = co_await self.redis->execute(std::move(what), {self.owner, until});
    self.outcomes.add(reply);
    if (reply && !expected.empty()) {
        // Megabytes help nobody in a message.
        EXPECT_TRUE(reply->text == expected)
            << reply->text.size() << " bytes instead of " << expected.size();
    }
}

void fault_world::start_execute(command what, clock::duration within, std::string expected) {
    start(call_once(*this, std::move(what), in(within), std::move(expected)));
}

void fault_world::start_echoes(int count, clock::duration within) {
    for (int i = 0; i < count; ++i) {
        const auto token = fmt::format("token-{}", ++tokens_);
        start_execute(command("ECHO", token), within, token);
    }
}

void fault_world::cancel_all() {
    for (const auto& each : signals_)
        each->emit(asio::cancellation_type::terminal);
}

bool fault_world::becomes(std::function<bool()> condition, clock::duration within) {
    return run_on(loop, test::wait_until(std::move(condition), in(within)));
}

void fault_world::join(clock::duration within) {
    EXPECT_TRUE(becomes([this] { return running_ == 0; }, within))
        << running_ << " callers have not ended";
    if (running_ > 0) return;
    signals_.clear();
    spared_.clear();
}

result<value> fault_world::execute(command what, clock::duration within) {
    return run_on(loop, redis->execute(std::move(what), by(within)));
}

bool fault_world::passes(toward whom, std::size_t more) {
    auto& passed = passed_[static_cast<std::size_t>(whom)];
    const bool reached = becomes([&] { return gate.bytes(whom) >= passed + more; });
    passed = gate.bytes(whom);
    return reached;
}

// --- The end of every fault test ---

bool fault_world::is_at_rest() const {
    const auto& now = redis->stats();
    const auto lasting = redis->lane().connections + (relay ? 1U : 0U);
    return now.waiting == 0 && now.opening == 0 && now.closing == 0 && now.leased == lasting &&
           redis->lane().outstanding == 0;
}

bool fault_world::answers_by(deadline until) {
    while (clock::now() < until) {
        const auto token = fmt::format("again-{}", ++tokens_);
        const auto reply =
            run_on(loop, redis->execute(command("ECHO", token),
                                        {owner, std::min(until, in(std::chrono::seconds(1)))}));
        if (!reply) continue;
        EXPECT_EQ(reply->text, token);
        return true;
    }
    return false;
}

bool fault_world::relays_by(deadline until) {
    if (!relay) return true;
    const auto restored = run_on(loop, relay->restore(until));
    EXPECT_TRUE(restored.has_value()) << restored.error().what();
    const auto token = fmt::format("message-{}", ++tokens_);
    (void)server.ask("PUBLISH warm " + token);
    return becomes([&] { return std::ranges::count(told, "warm=" + token) == 1; },
                   until - clock::now());
}

asio::awaitable<void> fault_world::use_leases(fault_world& self, std::uint32_t count) {
    std::vector<exclusive_connection> held;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto leased = co_await self.redis->lease(self.by(5s));
        EXPECT_TRUE(leased.has_value()) << leased.error().what();
        if (!leased) co_return;
        const auto pong = co_await leased->execute(command("PING"), in(5s));
        EXPECT_TRUE(pong.has_value()) << pong.error().what();
        held.push_back(std::move(*leased));
    }
}

void fault_world::expect_recovers(std::string_view fault, clock::duration bound) {
    gate.heal();
    const auto started = clock::now();
    EXPECT_TRUE(answers_by(started + bound)) << "no answer within the bound after: " << fault;
    EXPECT_TRUE(relays_by(started + bound)) << "no message within the bound after: " << fault;
    const auto took = clock::now() - started;
    join();
    run_on(loop, use_leases(*this, wanted.warm_leases));
    EXPECT_TRUE(becomes([this] { return is_at_rest(); })) << "not at rest after: " << fault;
    EXPECT_TRUE(becomes([this] { return on_server() == before_; }))
        << before_ << " connections before, " << on_server() << " after: " << fault;
    tell_recovery(fault, outcomes, took, before_, on_server());
    outcomes = {};
    (void)passes(toward::server, 0);
    (void)passes(toward::client, 0);
}

void fault_world::close(clock::duration within) {
    if (relay) run_on(loop, relay->stop(in(within)));
    if (redis) {
        EXPECT_TRUE(run_on(loop, redis->close(in(within))).has_value());
    }
    EXPECT_TRUE(becomes([this] { return on_server() == 0; })) << on_server() << " are left";
}

// --- The blocking world ---

bool wait_in_thread(const std::function<bool()>& condition, clock::duration within) {
    const auto until = in(within);
    while (!condition()) {
        if (clock::now() >= until) return false;
        std::this_thread::sleep_for(2ms);  // between looks
    }
    return true;
}

blocking_world::blocking_world(fault_world_options given)
    : wanted(std::move(given)), server(wanted.server_options), gate(server.port()) {
    redis = std::make_unique<blocking_client>(options_behind(gate, pool_kind::sync, wanted));
    owner = redis->owner("test");
    use_all();
    before_ = on_server();
    (void)passes(toward::server, 0);
    (void)passes(toward::client, 0);
}

blocking_world::~blocking_world() {
    gate.heal();
    join();
    EXPECT_TRUE(redis->close(in(5s)).has_value());
    EXPECT_TRUE(wait_in_thread([this] { return on_server() == 0; })) << on_server() << " are left";
}

// As many calls at once as there may be connections.
void blocking_world::use_all() {
    std::vector<std::thread> users;
    for (std::uint32_t i = 0; i < wanted.cap; ++i) {
        users.emplace_back([this] {
            const auto popped = execute(command("BLPOP", "never", "0.1"), 5s);
            EXPECT_TRUE(popped.has_value()) << popped.error().what();
        });
    }
    for (auto& each : users)
        each.join();
}

std::size_t blocking_world::on_server() {
    return server.count_clients("chat:faults:42:sync");
}

result<value> blocking_world::execute(const command& what, clock::duration within) {
    return redis->execute(what, {owner, in(within)});
}

void blocking_world::start_execute(command what, clock::duration within, std::string expected) {
    threads_.emplace_back(
        [this, what = std::move(what), until = in(within), expected = std::move(expected)] {
            const auto reply = redis->execute(what, {owner, until});
            const std::lock_guard lock(mutex);
            outcomes.add(reply);
            if (reply && !expected.empty()) {
                EXPECT_TRUE(reply->text == expected)
                    << reply->text.size() << " bytes instead of " << expected.size();
            }
        });
}

void blocking_world::join() {
    for (auto& each : threads_)
        each.join();
    threads_.clear();
}

bool blocking_world::passes(toward whom, std::size_t more) {
    auto& passed = passed_[static_cast<std::size_t>(whom)];
    const bool reached = wait_in_thread([&] { return gate.bytes(whom) >= passed + more; });
    passed = gate.bytes(whom);
    return reached;
}

void blocking_world::expect_recovers(std::string_view fault, clock::duration bound) {
    gate.heal();
    const auto started = clock::now();
    const auto answers = [this] {
        const auto reply = execute(command("ECHO", "again"), 1s);
        return reply && reply->text == "again";
    };
    EXPECT_TRUE(wait_in_thread(answers, bound)) << "no answer within the bound after: " << fault;
    const auto took = clock::now() - started;
    join();
    use_all();
    EXPECT_TRUE(wait_in_thread([this] {
        const auto now = redis->stats();
        return now.leased == 0 && now.waiting == 0 && now.opening == 0 && now.closing == 0;
    })) << "not at rest after: "
        << fault;
    EXPECT_TRUE(wait_in_thread([this] { return on_server() == before_; }))
        << before_ << " connections before, " << on_server() << " after: " << fault;
    tell_recovery(fault, outcomes, took, before_, on_server());
    outcomes = {};
    (void)passes(toward::server, 0);
    (void)passes(toward::client, 0);
}

}  // namespace headroom::redis
