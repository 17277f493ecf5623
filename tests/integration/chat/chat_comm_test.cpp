// SPDX-License-Identifier: Apache-2.0
// What an executor's communicator costs and delivers, as Redis itself tells it.
#include "chat/sdk/chat_comm.hpp"

#include <unistd.h>

#include <atomic>
#include <functional>
#include <latch>
#include <map>
#include <regex>
#include <thread>

#include "chat/core/chat_error.hpp"
#include "chat/sdk/comm_context.hpp"
#include "chat/sdk/step_event.hpp"
#include "integration/chat/chat_world.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in;
using test::wait_until;

comm_spec spec_for(const test::private_redis& server) {
    comm_spec spec;
    spec.server.unix_path = server.unix_path();
    spec.name_prefix = "chat";
    spec.execution_id = "run-1";
    spec.whose = test_scope;
    spec.session_id = "s1";
    spec.conversation_id = "c1";
    spec.turn_id = "t1";
    return spec;
}

outgoing_event event_named(std::string name) {
    return to_event(step{.name = std::move(name)}, {"s1", "c1", "t1"});
}

struct comm_world {
    explicit comm_world(std::vector<std::string> options = {}, emit_bounds bounds = {})
        : server(std::move(options)) {
        comm.emplace(loop.get_executor(), spec_for(server), bounds);
    }

    template <class T>
    T run(asio::awaitable<T> work) {
        return test::run_on(loop, std::move(work));
    }
    void close() { run(comm->close(in(5s))); }

    // Names of the steps in the session's history, in its order; a page at a time.
    std::vector<std::string> delivered() {
        static const std::regex entry("(\\d+)-0\r\n|\"name\":\"([^\"]*)\"");
        const auto history = key_space(test_scope).history("s1");
        std::vector<std::string> names;
        for (std::string last = "0", seen; last != seen;) {
            seen = last;
            const auto page = server.ask("XRANGE " + history + " (" + seen + "-0 + COUNT 50");
            for (std::sregex_iterator at(page.begin(), page.end(), entry), end; at != end; ++at) {
                if ((*at)[1].matched) last = (*at)[1];
                if ((*at)[2].matched) names.push_back((*at)[2]);
            }
        }
        return names;
    }
    // Ours excepted, each of whose questions is a connection. Since the server's start.
    std::uint64_t connections_received() {
        const auto text = server.ask("INFO stats");
        ++asked;
        constexpr std::string_view key = "total_connections_received:";
        return std::stoull(text.substr(text.find(key) + key.size())) - asked;
    }
    std::size_t executors() {
        ++asked;
        std::size_t count = 0;
        for (const auto& name : server.client_names())
            count += name.ends_with(":executor") ? 1U : 0U;
        return count;
    }

    test::private_redis server;
    std::uint64_t asked = 0;  // of connections_received() and executors()
    asio::io_context loop{1};
    std::optional<chat_comm> comm;
};

TEST(ChatComm, OpensAndResolvesNothingWhileItIsSilent) {
    comm_world world;
    const auto before = world.connections_received();
    auto spec = spec_for(world.server);
    spec.server.unix_path.clear();
    spec.server.host = "no-such-host.invalid";
    {
        chat_comm nowhere(world.loop.get_executor(), spec);
        EXPECT_TRUE(world.run(nowhere.flush(in(1s))));
        world.run(nowhere.close(in(1s)));
    }
    EXPECT_TRUE(world.run(world.comm->flush(in(1s))));
    world.close();
    EXPECT_EQ(world.connections_received(), before);
    EXPECT_EQ(world.delivered(), std::vector<std::string>{});
}

TEST(ChatComm, SharesOneDialAmongFiftyThreadsThatEmitFirstAtOnce) {
    constexpr int threads = 50;
    constexpr int each = 20;
    comm_world world({}, {.events_max = threads * each});
    const auto before = world.connections_received();
    std::size_t most = 0;
    std::vector<std::thread> running;
    std::latch all_there(threads);
    for (int who = 0; who < threads; ++who) {
        running.emplace_back([&, who] {
            all_there.arrive_and_wait();
            for (int at = 0; at < each; ++at) {
                const auto name = std::to_string(who) + "/" + std::to_string(at);
                EXPECT_TRUE(world.comm->emit(event_named(name)));
            }
        });
    }
    const bool all = world.run(wait_until(
        [&] {
            most = std::max(most, world.executors());
            return world.comm->stats().delivered == threads * each;
        },
        in(30s)));
    for (auto& one : running)
        one.join();
    EXPECT_TRUE(all);
    EXPECT_EQ(most, 1U);
    EXPECT_EQ(world.connections_received() - before, 1U) << "one dial for all of them";
    EXPECT_EQ(world.server.count_clients("chat:run-1:" + std::to_string(::getpid()) + ":executor"),
              1U);

    std::map<std::string, int> next;
    const auto names = world.delivered();
    EXPECT_EQ(names.size(), 1000U) << "the history keeps as many";
    for (const auto& name : names) {
        const auto slash = name.find('/');
        EXPECT_EQ(std::stoi(name.substr(slash + 1)), next[name.substr(0, slash)]++) << name;
    }
    world.close();
    EXPECT_EQ(world.executors(), 0U);
    const auto late = world.comm->emit(event_named("late"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, chat_errc::closed);
}

asio::awaitable<void> outlives_an_outage(comm_world& world) {
    std::size_t most = 0;
    const auto emit = [&world](int from, int to) {
        for (int at = from; at < to; ++at)
            EXPECT_TRUE(world.comm->emit(event_named(std::to_string(at))));
    };
    emit(0, 10);
    EXPECT_TRUE(co_await world.comm->flush(in(10s)));
    world.server.kill();
    emit(10, 110);
    EXPECT_FALSE(co_await world.comm->flush(in(300ms))) << "Redis is away";
    world.server.start();
    emit(110, 120);
    EXPECT_TRUE(co_await wait_until(
        [&] {
            most = std::max(most, world.executors());
            return world.comm->stats().held == 0;
        },
        in(20s)));
    EXPECT_EQ(most, 1U);
    EXPECT_EQ(world.comm->stats().delivered, 120U);
}

TEST(ChatComm, DeliversOnceAndInOrderWhatItHeldWhileRedisWasAway) {
    comm_world world({"--appendonly", "yes", "--appendfsync", "always"});
    world.run(outlives_an_outage(world));
    std::vector<std::string> expected;
    for (int at = 0; at < 120; ++at)
        expected.push_back(std::to_string(at));
    EXPECT_EQ(world.delivered(), expected);
    world.close();
}

TEST(ChatComm, DeliversToARedisThatCameBackEmpty) {
    comm_world world({"--save", ""});
    world.run(outlives_an_outage(world));
    std::vector<std::string> expected;
    for (int at = 10; at < 120; ++at)
        expected.push_back(std::to_string(at));
    EXPECT_EQ(world.delivered(), expected);
    world.close();
}

TEST(ChatComm, TellsHowManyEventsItCouldNotHold) {
    comm_world world({"--appendonly", "yes"}, {.events_max = 5});
    EXPECT_TRUE(world.comm->emit(event_named("first")));
    EXPECT_TRUE(world.run(world.comm->flush(in(10s))));
    world.server.kill();
    int refused = 0;
    for (int at = 0; at < 12; ++at) {
        const auto taken = world.comm->emit(event_named(std::to_string(at)));
        if (!taken && taken.error().code == chat_errc::buffer_full) ++refused;
    }
    EXPECT_EQ(refused, 7);
    world.server.start();
    EXPECT_TRUE(world.run(wait_until([&world] { return world.delivered().size() == 7; }, in(20s))));
    EXPECT_EQ(world.delivered(),
              (std::vector<std::string>{"first", "0", "1", "2", "3", "4", "Events were lost"}));
    const auto text = world.server.ask("XRANGE " + key_space(test_scope).history("s1") + " - +");
    EXPECT_NE(text.find("7 events could not be held while Redis was away."), std::string::npos);
    const auto told = world.comm->stats();
    EXPECT_EQ(told.accepted, 6U);
    EXPECT_EQ(told.delivered, 6U);
    EXPECT_EQ(told.dropped, 7U);
    world.close();
}

TEST(ChatComm, TellsALossAlsoWhenItIsClosedAtOnce) {
    comm_world world({}, {.events_max = 5});
    EXPECT_TRUE(world.comm->emit(event_named("0")));
    EXPECT_TRUE(world.run(world.comm->flush(in(10s))));
    world.server.kill();
    for (int at = 1; at < 8; ++at)
        (void)world.comm->emit(event_named(std::to_string(at)));
    world.server.start();
    world.run(world.comm->close(in(20s)));
    EXPECT_EQ(world.delivered(),
              (std::vector<std::string>{"1", "2", "3", "4", "5", "Events were lost"}));
}

constexpr int emitters = 4;
constexpr std::uint64_t paced_held_max = 80;

// Emits 200 events, as many at a time as `allowed` says, and none that could not be held.
void emit_paced(chat_comm& comm, int who, const std::atomic<int>& allowed) {
    const auto by = in(50s);
    for (int at = 0; at < 200 && clock::now() < by;) {
        if (at >= allowed || comm.stats().held > paced_held_max) {
            std::this_thread::yield();
            continue;
        }
        const auto name = std::to_string(who) + "/" + std::to_string(at++);
        EXPECT_TRUE(comm.emit(event_named(name)));
    }
}

// For a thread that must not miss a moment.
bool wait_closely(const std::function<bool()>& condition) {
    const auto by = in(20s);
    while (!condition() && clock::now() < by)
        std::this_thread::yield();
    return condition();
}

asio::awaitable<std::size_t> look_until_all_is_delivered(comm_world& world) {
    std::size_t most = 0;
    const bool all = co_await wait_until(
        [&] {
            most = std::max(most, world.executors());
            return world.comm->stats().delivered == emitters * 200U;
        },
        in(50s));
    EXPECT_TRUE(all) << world.comm->stats().delivered;
    co_return most;
}

TEST(ChatComm, DeliversEachEventOnceThroughKillsWhileThreadsEmit) {
    comm_world world({"--appendonly", "yes", "--appendfsync", "always"}, {.events_max = 100});
    std::atomic<int> allowed{0};
    std::vector<std::thread> threads;
    for (int who = 0; who < emitters; ++who)
        threads.emplace_back([&, who] { emit_paced(*world.comm, who, allowed); });
    std::size_t most = 0;
    threads.emplace_back([&] { most = world.run(look_until_all_is_delivered(world)); });
    // The loop and the emitters go on while the server is killed: a batch may be anywhere.
    const auto stats = [&world] { return world.comm->stats(); };
    for (std::uint64_t round = 1; round <= 4; ++round) {
        const auto delivered = stats().delivered;
        allowed = static_cast<int>(round * 50);
        EXPECT_TRUE(wait_closely([&] { return stats().delivered > delivered; }));
        if (round == 4) break;
        world.server.kill();
        EXPECT_TRUE(wait_closely([&] {
            return stats().held > paced_held_max || stats().accepted == emitters * 50 * round;
        }));
        world.server.start();
    }
    for (auto& each : threads)
        each.join();
    EXPECT_EQ(most, 1U) << "never two connections";
    EXPECT_EQ(world.comm->stats().dropped, 0U);
    std::map<std::string, int> next;
    const auto names = world.delivered();
    EXPECT_EQ(names.size(), emitters * 200U) << "none lost, none doubled";
    for (const auto& name : names) {
        const auto slash = name.find('/');
        EXPECT_EQ(std::stoi(name.substr(slash + 1)), next[name.substr(0, slash)]++) << name;
    }
    world.close();
    EXPECT_EQ(world.executors(), 0U);
}

TEST(ChatComm, ClosesByItsDeadlineWithRedisAway) {
    comm_world world;
    EXPECT_TRUE(world.comm->emit(event_named("first")));
    EXPECT_TRUE(world.run(world.comm->flush(in(10s))));
    world.server.kill();
    EXPECT_TRUE(world.comm->emit(event_named("second")));
    const auto began = clock::now();
    world.run(world.comm->close(in(300ms)));
    EXPECT_LT(clock::now() - began, 3s);
    EXPECT_EQ(world.comm->stats().held, 1U);
    EXPECT_TRUE(world.comm->last_error());
}

TEST(ChatComm, GivesUpOnCredentialsThatRedisRefuses) {
    comm_world world;
    EXPECT_TRUE(world.server.ask("ACL SETUSER code on >right ~* &* +@all").starts_with("+OK"));
    auto spec = spec_for(world.server);
    spec.server.username = "code";
    spec.server.password = "secret-word";
    chat_comm comm(world.loop.get_executor(), spec);
    const auto before = world.connections_received();
    EXPECT_TRUE(comm.emit(event_named("first")));
    EXPECT_FALSE(world.run(comm.flush(in(10s))));
    ASSERT_TRUE(comm.last_error());
    EXPECT_NE(comm.last_error()->what().find("WRONGPASS"), std::string::npos)
        << comm.last_error()->what();
    for (int at = 0; at < 20; ++at) {
        const auto refused = comm.emit(event_named("later"));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, chat_errc::closed);
        EXPECT_EQ(refused.error().what().find("secret-word"), std::string::npos);
    }
    EXPECT_FALSE(world.run(comm.flush(in(10s))));
    world.run(comm.close(in(1s)));
    EXPECT_EQ(comm.stats().held, 1U);
    EXPECT_EQ(comm.stats().dropped, 20U);
    EXPECT_EQ(world.connections_received() - before, 1U) << "not tried again";
}

TEST(ChatComm, OutlivesAServerThatIsFullForAWhile) {
    comm_world world;
    EXPECT_TRUE(world.server.ask("CONFIG SET maxmemory 1").starts_with("+OK"));
    EXPECT_TRUE(world.comm->emit(event_named("first")));
    EXPECT_FALSE(world.run(world.comm->flush(in(500ms))));
    EXPECT_EQ(world.delivered(), std::vector<std::string>{});
    EXPECT_TRUE(world.server.ask("CONFIG SET maxmemory 0").starts_with("+OK"));
    EXPECT_TRUE(world.run(world.comm->flush(in(10s))));
    EXPECT_EQ(world.delivered(), std::vector<std::string>{"first"});
    world.close();
}

asio::awaitable<clock::duration> close_while_suspended(comm_world& world) {
    world.server.suspend();
    EXPECT_TRUE(world.comm->emit(event_named("second")));
    EXPECT_FALSE(co_await world.comm->flush(in(50ms)));
    const auto by = in(1s);
    co_await world.comm->close(by);
    const auto late = clock::now() - by;
    world.server.resume();
    co_return late;
}

TEST(ChatComm, ClosesByItsDeadlineWhileRedisDoesNotAnswer) {
    comm_world world;
    EXPECT_TRUE(world.comm->emit(event_named("first")));
    EXPECT_TRUE(world.run(world.comm->flush(in(10s))));
    EXPECT_LT(world.run(close_while_suspended(world)), 100ms);
    EXPECT_EQ(world.comm->stats().held, 1U);
}

TEST(ChatComm, ClosesByItsDeadlineWhileItsFirstDialIsNotAnswered) {
    comm_world world;
    EXPECT_LT(world.run(close_while_suspended(world)), 100ms);
    EXPECT_EQ(world.comm->stats().held, 1U);
    world.comm.reset();
}

TEST(ChatComm, GivesUpWhereAnAclDeniesTheChannel) {
    comm_world world;
    EXPECT_TRUE(world.server.ask("ACL SETUSER default resetchannels").starts_with("+OK"));
    EXPECT_TRUE(world.comm->emit(event_named("first")));
    EXPECT_FALSE(world.run(world.comm->flush(in(2s))));
    EXPECT_LE(world.delivered().size(), 1U) << "tried again and again, and kept each time";
    const auto why = world.comm->last_error();
    ASSERT_TRUE(why);
    EXPECT_NE(why->what().find("can't publish to the channel"), std::string::npos) << why->what();
    EXPECT_FALSE(world.comm->emit(event_named("second")));
    world.close();
}

TEST(ChatComm, RefusesWhatIsNoEvent) {
    comm_world world;
    for (const auto& bad : {outgoing_event{.name = "two words", .data = "{}"},
                            outgoing_event{.name = "a", .data = "two\nlines"},
                            outgoing_event{.name = "a", .data = std::string(64 * 1024, 'x')}}) {
        const auto taken = world.comm->emit(bad);
        ASSERT_FALSE(taken);
        EXPECT_EQ(taken.error().code, chat_errc::text_rejected);
    }
}

TEST(CommContext, GivesTheCommunicatorOfTheProcessWhileThereIsOne) {
    asio::io_context loop{1};
    test::private_redis server;
    EXPECT_EQ(get_comm(), nullptr);
    const auto made = make_chat_comm(loop.get_executor(), spec_for(server));
    EXPECT_EQ(get_comm(), made);
    EXPECT_EQ(get_comm()->spec().execution_id, "run-1");
    drop_chat_comm();
    EXPECT_EQ(get_comm(), nullptr);
}

}  // namespace
}  // namespace headroom::chat
