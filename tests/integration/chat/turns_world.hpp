// SPDX-License-Identifier: Apache-2.0
// Whole workers without their HTTP side, several on one loop: pools, store, queue, relay,
// processor.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "chat/bundles/blocking_threads.hpp"
#include "chat/bundles/built_in_bundles.hpp"
#include "chat/bundles/bundle_shelf.hpp"
#include "chat/processor/processor.hpp"
#include "chat/queue/turn_intake.hpp"
#include "chat/queue/turn_stop.hpp"
#include "integration/chat/chat_world.hpp"
#include "net/event.hpp"
#include "support/private_postgres.hpp"

namespace headroom::chat {

using namespace std::chrono_literals;

// Counts its runs, says "one ", waits for the gate, says "two".
struct gate {
    explicit gate(boost::asio::any_io_executor on) : open(on) {}
    net::event open;
    std::map<std::string, int> runs;  // by text
    std::vector<std::string> order;   // "begin <text>", "end <text>"
    bool fails = false;
};

class gated_bundle final : public bundle {
public:
    explicit gated_bundle(gate& shared) : gate_(shared) {}
    boost::asio::awaitable<result<void>> handle(bundle_turn turn, const bundle_services&) override {
        const auto& text = turn.request.text;
        ++gate_.runs[text];
        gate_.order.push_back("begin " + text);
        auto first = turn.answer.write("one ");
        if (!first) co_return first;
        co_await gate_.open.wait(turn.by);
        gate_.order.push_back("end " + text);
        if (gate_.fails) throw std::runtime_error("the bundle's secret reason");
        co_return turn.answer.write("two");
    }

private:
    gate& gate_;
};

inline postgres::postgres_pool_options postgres_options(const test::private_postgres& server) {
    postgres::postgres_pool_options options;
    options.connection = server.connection();
    options.identity = {"chat", "host-1", 42};
    options.bounds.cap = 3;
    options.bounds.backoff_max = 100ms;
    return options;
}

inline processor_options quick_processor(std::string id,
                                         std::chrono::milliseconds renew_interval = 50ms) {
    return {.id = std::move(id),
            .turns_max = 5,
            .poll_interval = 100ms,
            .renew_interval = renew_interval,
            .sweep_interval = 100ms,
            .sweep_age = 100ms,
            .silence_max = 12 * renew_interval,
            .calm_time = 1s,
            .on_notice = {}};
}

struct worker {
    redis::client redis;
    redis::blocking_client sync;
    postgres::postgres_pool pool;
    blocking_threads threads{2};
    chat_store store;
    turn_queue queue;
    service_communicator channels;
    chat_relay_communicator relay;
    bundle_shelf shelf;
    processor turns;
    bool is_started = false;

    worker(boost::asio::io_context& loop, const test::private_redis& redis_server,
           const test::private_postgres& postgres_server, const scope& whose, gate& shared,
           processor_options how)
        : redis(loop.get_executor(), redis_options(redis_server, "async")),
          sync(redis_options(redis_server, "sync")),
          pool(loop.get_executor(), postgres_options(postgres_server)),
          store(pool, whose, {.waiting_turns_max = 4}),
          queue(redis, key_space(whose), {.waiting_max = 6, .claim_timeout = 500ms}),
          channels(redis, "relay"),
          relay(loop.get_executor(), channels, key_space(whose)),
          shelf(shelf_settings(), known_to(shared), services()),
          turns(loop.get_executor(), store, queue, relay, shelf, std::move(how)) {}

    static config::settings shelf_settings() {
        config::settings made;
        made.bundles = {"echo", "gated"};
        return made;
    }
    static bundle_registry known_to(gate& shared) {
        return {echo_definition({.word = 1ms, .whole_max = 50ms}),
                clock_definition(),
                {.name = "gated",
                 .summary = "Waits for the test.",
                 .make = [&shared](const bundle_values&) {
                     return std::make_unique<gated_bundle>(shared);
                 }}};
    }
    worker_services services() { return {redis, redis, sync, pool, threads}; }

    void start() {
        is_started = true;
        turns.start();
    }
    boost::asio::awaitable<void> stop() {
        if (is_started) {
            const bool clean = co_await turns.stop(test::in(2s));
            EXPECT_TRUE(clean);
        }
        co_await relay.stop(test::in(5s));
        auto pool_closed = co_await pool.close(test::in(5s));
        EXPECT_TRUE(pool_closed);
        EXPECT_TRUE(sync.close(test::in(5s)));
        auto redis_closed = co_await redis.close(test::in(5s));
        EXPECT_TRUE(redis_closed);
    }
};

struct turns_world {
    turns_world(test::private_redis& redis_of_tests, test::private_postgres& postgres_of_tests)
        : redis_server(redis_of_tests), postgres_server(postgres_of_tests) {}

    test::private_redis& redis_server;
    test::private_postgres& postgres_server;
    boost::asio::io_context loop{1};
    scope whose{.tenant = random_hex(4), .project = "test"};
    key_space keys{whose};
    gate shared{loop.get_executor()};
    std::vector<std::unique_ptr<worker>> workers;

    // Workers without a running processor: start() is the test's.
    worker& hire(std::chrono::milliseconds renew_interval = 50ms) {
        auto how = quick_processor("p" + std::to_string(workers.size() + 1), renew_interval);
        workers.push_back(std::make_unique<worker>(loop, redis_server, postgres_server, whose,
                                                   shared, std::move(how)));
        return *workers.back();
    }
    void run(boost::asio::awaitable<void> body) { test::run_on(loop, whole(std::move(body))); }
    boost::asio::awaitable<void> whole(boost::asio::awaitable<void> body) {
        auto& first = hire();
        auto migrated =
            co_await first.pool.migrate(migrations(), {first.pool.owner("store"), test::in(20s)});
        EXPECT_TRUE(migrated) << migrated.error().what();
        co_await std::move(body);
        shared.open.set();
        for (const auto& each : workers)
            co_await each->stop();
    }
    worker& front() { return *workers.front(); }

    boost::asio::awaitable<accepted_turn> ask(std::string text,
                                              std::optional<std::string> conversation = {},
                                              std::string session = "s1") {
        auto accepted = co_await take_in(front().store, front().queue,
                                         {.session_id = std::move(session),
                                          .conversation_id = std::move(conversation),
                                          .text = std::move(text),
                                          .stream_id = "tab-1"},
                                         test::in(10s));
        if (!accepted) throw std::runtime_error(accepted.error().what());
        co_return std::move(*accepted);
    }
    boost::asio::awaitable<chat_relay_communicator::subscription> listen(
        stream_sink& sink, std::string session = "s1") {
        auto opened = co_await front().relay.open(std::move(session), {}, sink, test::in(10s));
        if (!opened) throw std::runtime_error(opened.error().what());
        co_return std::move(*opened);
    }
    boost::asio::awaitable<conversation> read(const accepted_turn& turn) {
        auto whole =
            co_await front().store.get(turn.session_id, turn.conversation_id, test::in(10s));
        if (!whole) throw std::runtime_error(whole.error().what());
        co_return std::move(*whole);
    }
    boost::asio::awaitable<std::uint64_t> stop(const accepted_turn& turn) {
        auto marked = co_await request_stop(front().store, front().queue, turn.session_id,
                                            turn.conversation_id, test::in(10s));
        if (!marked) throw std::runtime_error(marked.error().what());
        co_return *marked;
    }
    [[nodiscard]] bool is_queue_empty() {
        return redis_server.ask("XLEN " + keys.lane("default")) == ":0\r\n" &&
               redis_server.ask("EXISTS " + keys.known_turns()) == ":0\r\n";
    }
};

}  // namespace headroom::chat
