// SPDX-License-Identifier: Apache-2.0
// A tour of the Redis library, to copy from: what docs/redis.md shows, each thing once, against the
// server it is given. The tests build it, run it and compare what it says. All keys begin with
// "tour:".
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/event.hpp"
#include "net/loop_thread.hpp"
#include "redis/blocking_client.hpp"
#include "redis/client.hpp"
#include "redis/guarded_publisher.hpp"
#include "redis/script.hpp"
#include "redis/subscriber.hpp"
#include "redis/transaction.hpp"

namespace {

using namespace headroom;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace commands = redis::commands;
using redis::command;

struct arguments {
    std::string host;
    std::uint16_t port = 0;
    std::string user = "default";
    std::string password_file;
    std::string ca_file;
};

template <class... Values>
void say(fmt::format_string<Values...> format, Values&&... values) {
    fmt::print("{}\n", fmt::format(format, std::forward<Values>(values)...));
}

// One line for what a call gave: its text, or the sentence of its error.
std::string told(const result<redis::value>& reply) {
    return reply ? reply->text : reply.error().what();
}

// A small local file is read at once; whatever asks a network belongs elsewhere.
result<redis::credentials> read_credentials(const std::string& user, const std::string& file) {
    redis::credentials found{.username = user, .password = {}};
    std::ifstream in(file);
    if (!std::getline(in, found.password)) {
        return failure(std::make_error_code(std::errc::no_such_file_or_directory),
                       file + " holds no password");
    }
    return found;
}

redis::client_options options_for(const arguments& given, std::string_view kind) {
    redis::client_options options;
    options.server.host = given.host;
    options.server.port = given.port;
    options.identity = {.prefix = "tour", .instance = "host-1", .pid = ::getpid()};
    options.kind = kind;
    options.bounds.cap = 8;
    if (!given.ca_file.empty()) options.server.tls = redis::tls_options{.ca_file = given.ca_file};
    if (!given.password_file.empty()) {
        options.ask_credentials = [user = given.user, file = given.password_file] {
            return read_credentials(user, file);
        };
    }
    return options;
}

// --- Commands ---

asio::awaitable<void> ask_commands(redis::client& client, redis::call how) {
    auto set = co_await client.execute(command("SET", "tour:name", "Ann"), how);
    auto got = co_await client.execute(command("GET", "tour:name"), how);
    say("SET {}, GET {}", told(set), told(got));

    const redis::set_options briefly{.lifetime = 60s, .condition = redis::set_condition::if_absent};
    auto was_set = co_await run(client, commands::set("tour:once", "1", briefly), how);
    auto missing = co_await run(client, commands::get("tour:nobody"), how);
    if (was_set && missing) say("set {}, there is a value: {}", *was_set, missing->has_value());

    std::vector<command> several;
    several.emplace_back("RPUSH", "tour:list", "a", "bb", "ccc");
    several.emplace_back("INCR", "tour:name");  // no number: an error among the values
    auto replies = co_await client.pipeline(std::move(several), how);
    if (replies) say("pipeline {}, {}", (*replies)[0].integer, (*replies)[1].text);

    std::size_t bytes = 0;
    auto seen = co_await client.view(command("LRANGE", "tour:list", 0, -1), how,
                                     [&bytes](const redis::reply_view& reply) {
                                         for (const auto& each : reply.items)
                                             bytes += each.text.size();
                                     });
    if (seen) say("view {} bytes, none copied", bytes);

    // The deadline lies beyond the second that it may block.
    auto popped = co_await client.execute(command("BLPOP", "tour:list", 1), how);
    if (popped) say("BLPOP {} on a connection of its own", popped->items[1].text);
}

// --- Errors ---

asio::awaitable<void> meet_errors(redis::client& client, redis::call how) {
    auto wrong = co_await client.execute(command("LPUSH", "tour:name", "x"), how);
    say("{}", told(wrong));
    auto elsewhere = co_await client.execute(command("SUBSCRIBE", "tour:news"), how);
    say("{}", told(elsewhere));

    auto asked = co_await client.execute(command("GET", "tour:name"), how);
    if (!asked) {
        switch (redis::outcome_of(asked.error().code)) {
            case redis::outcome::ok:
            case redis::outcome::server_error:  // it failed, or its reply is of no use
                break;
            case redis::outcome::refused:   // the server did not begin it
            case redis::outcome::not_sent:  // no byte of it reached the server
                break;                      // safe to ask again later
            case redis::outcome::unknown:   // it may have run: look before it is asked again
                break;
        }
    }

    how.by = clock::now() + 50ms;
    auto late = co_await client.execute(command("BLPOP", "tour:empty", 0), how);
    say("at the deadline: {}", late ? "a value" : to_string(redis::outcome_of(late.error().code)));
}

asio::awaitable<void> wait_for_a_job(redis::client& client, redis::call how, net::event& ended) {
    co_await asio::this_coro::throw_if_cancelled(false);  // else Asio throws at the next co_await
    auto job = co_await client.execute(command("BLPOP", "tour:empty", 10), how);
    if (!job) ended.set();
}

asio::awaitable<void> cancel_a_call(redis::client& client, redis::call how) {
    const auto executor = co_await asio::this_coro::executor;
    net::event ended(executor);
    asio::cancellation_signal stop;
    asio::co_spawn(executor, wait_for_a_job(client, how, ended),
                   asio::bind_cancellation_slot(stop.slot(), asio::detached));
    co_await asio::post(executor, asio::use_awaitable);  // it has begun
    stop.emit(asio::cancellation_type::terminal);
    const bool is_over = co_await ended.wait(clock::now() + 5s);
    say("cancelled, it ended at once: {}", is_over);
}

// --- All or nothing ---

redis::typed_command<std::uint64_t> coins_of(std::string_view who) {
    return {command("GET", fmt::format("tour:coins:{}", who)), "GET", redis::reply::digits};
}

// Reads, then queues. It may run several times: whatever it does besides must bear that.
asio::awaitable<result<void>> pay_three(redis::transaction& tx) {
    auto held = co_await tx.execute(coins_of("ann"));
    if (!held) co_return std::unexpected(held.error());
    if (*held < 3) {
        co_return failure(std::make_error_code(std::errc::operation_not_permitted),
                          fmt::format("Ann has {} coins and wants to pay 3", *held));
    }
    auto taken = tx.queue(commands::increment("tour:coins:ann", -3));
    if (!taken) co_return taken;
    co_return tx.queue(commands::increment("tour:coins:bob", 3));
}

asio::awaitable<void> pay(redis::client& client, redis::call how) {
    std::vector<command> purse;
    purse.emplace_back("SET", "tour:coins:ann", 5);
    purse.emplace_back("SET", "tour:coins:bob", 0);
    auto filled = co_await client.atomic(std::move(purse), how);
    if (filled) say("atomic {}, {}", (*filled)[0].text, (*filled)[1].text);

    auto paid = co_await run_transaction(client, {"tour:coins:ann"}, pay_three, how);
    if (paid) say("Ann has {}, Bob {}", (*paid)[0].integer, (*paid)[1].integer);
    auto refused = co_await run_transaction(client, {"tour:coins:ann"}, pay_three, how);
    if (!refused) say("{}", refused.error().detail);
}

asio::awaitable<void> run_a_script(redis::client& client, redis::call how) {
    static const redis::script take(
        "#!lua\n"
        "local left = tonumber(redis.call('GET', KEYS[1]) or 0)\n"
        "local taken = math.min(left, tonumber(ARGV[1]))\n"
        "redis.call('DECRBY', KEYS[1], taken)\n"
        "return taken\n",
        {.key_count = 1});
    auto taken =
        co_await run(client, take, {"tour:coins:ann"}, {"100"}, "take", redis::reply::count, how);
    if (taken) say("the script took {}", *taken);
}

// --- A connection of one's own ---

asio::awaitable<void> hold_a_lease(redis::client& client, redis::call how) {
    auto held = co_await client.lease(how);
    if (!held) co_return say("{}", held.error().what());
    auto chosen = co_await held->execute(command("SELECT", 1), how.by);
    auto size = co_await held->execute(command("DBSIZE"), how.by);
    if (chosen && size) say("database 1 holds {} keys", size->integer);
    // Given back here, and closed: the next caller must not find another database.
}

// --- Channels ---

asio::awaitable<void> hear_news(redis::client& client, redis::call how) {
    const auto executor = co_await asio::this_coro::executor;
    net::event heard(executor);
    net::event lost(executor);
    net::event whole(executor);
    redis::subscriber news(client, "news",
                           {.on_message =
                                [&](std::string_view channel, std::string_view payload) {
                                    say("{}: {}", channel, payload);
                                    heard.set();
                                },
                            .on_gap = [&](const error&) { lost.set(); },
                            .on_restored = [&] { whole.set(); }});
    auto subscribed = co_await news.subscribe("tour:news", how.by);
    if (!subscribed) say("{}", subscribed.error().what());
    auto hearers = co_await run(client, commands::publish("tour:news", "good"), how);
    const bool is_heard = co_await heard.wait(how.by);
    if (hearers && is_heard) say("published to {}", *hearers);

    auto killed = co_await client.execute(command("CLIENT", "KILL", "TYPE", "pubsub"), how);
    const bool is_lost = co_await lost.wait(how.by);
    const bool is_whole = co_await whole.wait(how.by);
    if (killed) say("a gap: {}, and subscribed again: {}", is_lost, is_whole);
    news.unsubscribe("tour:news");
    co_await news.stop(how.by);
}

// For a consumer that takes its time: what it has not taken yet waits in a queue of its own.
asio::awaitable<void> read_slowly(redis::client& client, redis::call how) {
    redis::subscriber news(client, "slow reader", {});
    const redis::stream_bounds bounds{.messages_max = 100,
                                      .when_full = redis::overflow_policy::drop_oldest};
    auto stream = co_await news.open_stream(redis::topic_kind::pattern, "tour:*", bounds, how.by);
    auto published = co_await run(client, commands::publish("tour:weather", "rain"), how);
    if (stream && published) {
        auto next = co_await stream->next(how.by);
        if (next && *next && (*next)->what == redis::stream_item::kind::message)
            say("{}: {}", (*next)->channel, (*next)->payload);
    }
    co_await news.stop(how.by);
}

asio::awaitable<void> publish_with_a_guard(redis::client& client, redis::call how) {
    redis::guarded_publisher publisher(client);  // one for as long as its client
    auto heard_by = co_await publisher.publish("tour:news", "guarded", how);
    if (heard_by) say("the server is a primary, and {} hear it", *heard_by);
}

// --- Text, and threads ---

asio::awaitable<void> read_text(const arguments& given, redis::client& bytes, redis::call how) {
    const auto executor = co_await asio::this_coro::executor;
    auto options = options_for(given, pool_kind::async_decode);
    options.form = redis::reply_form::text;
    redis::client texts(executor, options);

    auto set = co_await bytes.execute(command("SET", "tour:bytes", "\xff\xfe"), how);
    const redis::call here{.owner = texts.owner("tour"), .by = how.by};
    auto got = co_await texts.execute(command("GET", "tour:bytes"), here);
    if (set) say("{}", told(got));
    auto closed = co_await texts.close(clock::now() + 5s);
    if (!closed) say("{}", closed.error().what());
}

void count_on_threads(redis::blocking_client& client) {
    const auto owner = client.owner("counter");
    const auto count = [&client, owner] {
        for (int i = 0; i < 100; ++i) {
            auto now = run(client, commands::increment("tour:count"),
                           {.owner = owner, .by = clock::now() + 2s});
            if (!now) say("{}", now.error().what());
        }
    };
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back(count);
}

void work_on_threads(const arguments& given) {
    redis::blocking_client client(options_for(given, pool_kind::sync));
    count_on_threads(client);
    auto sum = client.execute(command("GET", "tour:count"),
                              {.owner = client.owner("tour"), .by = clock::now() + 2s});
    say("eight threads counted to {} on {} connections at most", told(sum), *client.stats().cap);
    {
        const net::loop_thread mark;  // as beside io_context::run()
        auto refused = client.execute(command("PING"), {.by = clock::now() + 2s});
        say("{}", told(refused));
    }
    auto closed = client.close(clock::now() + 5s);
    if (!closed) say("{}", closed.error().what());
}

// --- The whole ---

asio::awaitable<void> take_all_in_turn(const arguments& given, redis::client& client,
                                       redis::call how) {
    co_await ask_commands(client, how);
    co_await meet_errors(client, how);
    co_await cancel_a_call(client, how);
    co_await pay(client, how);
    co_await run_a_script(client, how);
    co_await hold_a_lease(client, how);
    co_await hear_news(client, how);
    co_await read_slowly(client, how);
    co_await publish_with_a_guard(client, how);
    co_await read_text(given, client, how);

    const auto& now = client.stats();
    say("{} connections at most, and no more: {}", *now.cap, now.size() <= *now.cap);
}

// False when the server cannot be asked at all.
asio::awaitable<bool> tour(const arguments& given) {
    const auto executor = co_await asio::this_coro::executor;
    auto options = options_for(given, pool_kind::async);
    options.has_subscriber = true;
    redis::client client(executor, options);  // opens nothing yet

    const auto owner = client.owner("tour");  // whose use is counted
    auto first =
        co_await client.execute(command("PING"), {.owner = owner, .by = clock::now() + 2s});
    say("{}", told(first));
    // One instant for all of it, passed down unchanged.
    if (first) co_await take_all_in_turn(given, client, {.owner = owner, .by = clock::now() + 20s});

    auto closed = co_await client.close(clock::now() + 5s);  // once, at the end
    if (!closed) say("{}", closed.error().what());
    co_return first.has_value();
}

int take_the_tour(const arguments& given) {
    asio::io_context loop(1);
    bool is_well = false;
    std::exception_ptr thrown;
    asio::co_spawn(loop, tour(given), [&](std::exception_ptr why, bool was_well) {
        thrown = std::move(why);
        is_well = was_well;
    });
    {
        const net::loop_thread mark;  // blocking calls on this thread are refused from here on
        loop.run();
    }
    if (thrown) std::rethrow_exception(thrown);
    if (is_well) work_on_threads(given);
    return is_well ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    arguments given;
    CLI::App app(
        "Shows each use of the Redis library once. Writes keys that begin with \"tour:\".");
    app.add_option("host", given.host, "name or address of the server")->required();
    app.add_option("port", given.port, "its port")->required();
    app.add_option("--user", given.user, "ACL user")->capture_default_str();
    app.add_option("--password-file", given.password_file, "read at each dial");
    app.add_option("--ca-file", given.ca_file, "speak TLS, and trust these authorities (PEM)");
    CLI11_PARSE(app, argc, argv);
    return take_the_tour(given);
}
