// SPDX-License-Identifier: Apache-2.0
// Connections that end in every way at every moment, go silent, or never begin to speak.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "fault_world.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using test::fault_gate;
using test::toward;

const std::string large(2 * 1024 * 1024, 'v');

// --- Ends ---

struct end_case {
    const char* name;
    void (*act)(fault_gate&);
};
void PrintTo(const end_case& each, std::ostream* to) {
    *to << each.name;
}
const end_case ends[] = {
    {"Reset", [](fault_gate& gate) { gate.cut(); }},
    {"Close", [](fault_gate& gate) { gate.close(); }},
    {"HalfCloseOfTheServer", [](fault_gate& gate) { gate.half_close(toward::client); }},
    {"HalfCloseOfTheClient", [](fault_gate& gate) { gate.half_close(toward::server); }},
};

class RedisEnds : public testing::TestWithParam<end_case> {
protected:
    [[nodiscard]] std::string after(std::string_view client, std::string_view moment) const {
        return std::string(client) + ": " + GetParam().name + " " + std::string(moment);
    }
    // The server, told that the client has ended, may have written its whole reply before.
    [[nodiscard]] static bool is_the_clients_own() {
        return std::string_view(GetParam().name) == "HalfCloseOfTheClient";
    }
};

TEST_P(RedisEnds, WhileIdleAreNoticedBeforeTheNextCommand) {
    fault_world w;
    GetParam().act(w.gate);
    ASSERT_TRUE(w.becomes([&] { return w.redis->lane().connections == 0; }, 2s));
    w.start_echoes(5, 2s);
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 5);
    w.expect_recovers(after("async", "while idle"));
}

TEST_P(RedisEnds, AfterTheRequestLeaveItsOutcomeUnknown) {
    fault_world w;
    w.gate.pause(toward::client);
    w.start_echoes(5, 2s);
    ASSERT_TRUE(w.passes(toward::server, 5 * 20));
    GetParam().act(w.gate);
    w.gate.pass(toward::client);
    w.join();
    EXPECT_EQ(w.outcomes.total(), 5);
    EXPECT_TRUE(w.outcomes.has_only({"ok", "unknown"}));
    w.expect_recovers(after("async", "after the request"));
}

TEST_P(RedisEnds, WithinAReplyNeverGiveAShortValue) {
    fault_world w;
    ASSERT_TRUE(w.execute(command("SET", "large", large)).has_value());
    ASSERT_TRUE(w.passes(toward::client, 0));
    w.gate.slow(toward::client, 1'000'000);
    w.start_execute(command("GET", "large"), 3s, large);
    w.start_echoes(3, 3s);
    ASSERT_TRUE(w.passes(toward::client, 20'000));
    GetParam().act(w.gate);
    w.gate.pass(toward::client);
    w.join();
    EXPECT_TRUE(w.outcomes.has_only({"ok", "unknown"}));
    if (!is_the_clients_own()) EXPECT_GE(w.outcomes.of("unknown"), 1);
    w.expect_recovers(after("async", "within a reply"));
}

TEST_P(RedisEnds, OfALeaseThatBlocksEndItsCallOnly) {
    fault_world w;
    const auto pop = [](fault_world& on) -> boost::asio::awaitable<void> {
        auto leased = co_await on.redis->lease(on.by(2s));
        EXPECT_TRUE(leased.has_value());
        if (!leased) co_return;
        const auto reply = co_await leased->execute(command("BLPOP", "never", 0), test::in(3s));
        on.outcomes.add(reply);
    };
    w.start(pop(w));
    ASSERT_TRUE(w.passes(toward::server, 30));
    GetParam().act(w.gate);
    w.join();
    EXPECT_TRUE(w.outcomes.has_only({"unknown"}));
    w.expect_recovers(after("async", "of a lease in BLPOP"));
}

TEST_P(RedisEnds, OfASubscriberAreToldAsOneGap) {
    fault_world w({.server_options = {}, .has_subscriber = true});
    GetParam().act(w.gate);
    ASSERT_TRUE(w.becomes([&] { return w.told_of("restored") == 1; }));
    EXPECT_EQ(w.told_of("gap"), 1);
    EXPECT_EQ(w.told.front(), "gap");
    w.expect_recovers(after("subscriber", "while idle"));
}

TEST_P(RedisEnds, WhileIdleCostAThreadNothing) {
    blocking_world w;
    GetParam().act(w.gate);
    ASSERT_TRUE(wait_in_thread([&] { return w.server.client_names().empty(); }));
    w.start_execute(command("ECHO", "mine"), 2s, "mine");
    w.join();
    EXPECT_EQ(w.outcomes.of("ok"), 1);
    w.expect_recovers(after("sync", "while idle"));
}

TEST_P(RedisEnds, WithinAReplyToAThreadNeverGiveAShortValue) {
    blocking_world w;
    ASSERT_TRUE(w.execute(command("SET", "large", large), 5s).has_value());
    ASSERT_TRUE(w.passes(toward::client, 0));
    w.gate.slow(toward::client, 1'000'000);
    w.start_execute(command("GET", "large"), 3s, large);
    ASSERT_TRUE(w.passes(toward::client, 20'000));
    GetParam().act(w.gate);
    w.gate.pass(toward::client);
    w.join();
    EXPECT_TRUE(w.outcomes.has_only({is_the_clients_own() ? "ok" : "unknown", "unknown"}));
    w.expect_recovers(after("sync", "within a reply"));
}

INSTANTIATE_TEST_SUITE_P(Of, RedisEnds, testing::ValuesIn(ends),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(RedisLoss, AfterAnyNumberOfBytesOfAReplyIsToldTruly) {
    fault_world w;
    const std::string text = "a value\r\n$5\r\nof bytes";
    ASSERT_TRUE(w.execute(command("SET", "key", text)).has_value());
    const auto reply_bytes = text.size() + 7;  // "$20\r\n" and "\r\n"
    for (std::size_t n = 1; n <= reply_bytes; ++n) {
        ASSERT_TRUE(w.execute(command("PING")).has_value());
        w.gate.limit_bytes(toward::client, n);
        const auto reply = w.execute(command("GET", "key"));
        w.outcomes.add(reply);
        EXPECT_EQ(reply.has_value(), n == reply_bytes) << n;
        if (reply) EXPECT_EQ(reply->text, text);
        w.gate.heal();
    }
    EXPECT_TRUE(w.outcomes.has_only({"ok", "unknown"}));
    w.expect_recovers("async: cut after each byte of a reply");
}

TEST(RedisLoss, AfterAnyNumberOfBytesOfTheHandshakeIsDialledAgain) {
    fault_world w;
    for (std::size_t n = 0; n < 200; n += 9) {
        w.gate.limit_bytes(toward::client, n);
        w.gate.cut();
        w.start_echoes(1, 5s);
        const auto dials = w.gate.accepted();
        ASSERT_TRUE(w.becomes([&] { return w.gate.accepted() >= dials + 1; }));
        w.gate.heal();
        w.join();
    }
    EXPECT_TRUE(w.outcomes.has_only({"ok", "unknown"}));
    w.expect_recovers("async: cut within the handshake");
}

TEST(RedisLoss, OfNoBytesAtAllMakesNoDifferenceHoweverTheyAreSplit) {
    fault_world w;
    w.gate.split(toward::client, 1);
    w.gate.split(toward::server, 1);
    w.gate.cut();
    const std::string text(500, '\n');
    w.start_execute(command("ECHO", text), 10s, text);
    w.start_echoes(50, 10s);
    w.join();
    EXPECT_TRUE(w.outcomes.has_only({"ok"}));
    w.expect_recovers("async: every byte alone");
}

TEST(RedisLoss, OfAServerKilledWithinALargeReplyNeverGivesAShortValue) {
    fault_world w;
    const std::string huge(24 * 1024 * 1024, 'h');
    ASSERT_TRUE(w.execute(command("SET", "huge", huge)).has_value());
    ASSERT_TRUE(w.passes(toward::client, 0));
    w.gate.slow(toward::client, 40'000'000);
    w.start_execute(command("GET", "huge"), 5s, huge);
    ASSERT_TRUE(w.passes(toward::client, 1'000'000));
    (void)w.server.ask("CLIENT KILL TYPE normal");
    w.join();
    EXPECT_TRUE(w.outcomes.has_only({"unknown"}));
    w.expect_recovers("async: CLIENT KILL within a reply of 24 MB");
}

// --- Silence ---

struct silence_case {
    const char* name;
    bool to_server;
    bool to_client;
};
void PrintTo(const silence_case& each, std::ostream* to) {
    *to << each.name;
}
const silence_case silences[] = {
    {"OfRequests", true, false}, {"OfReplies", false, true}, {"OfBoth", true, true}};

class RedisSilence : public testing::TestWithParam<silence_case> {
protected:
    static void fall_silent(fault_gate& gate) {
        if (GetParam().to_server) gate.black_hole(toward::server);
        if (GetParam().to_client) gate.black_hole(toward::client);
    }
};

TEST_P(RedisSilence, EndsEveryCallAtItsDeadlineAndTheConnectionSoonAfter) {
    fault_world w;
    fall_silent(w.gate);
    const auto lost_before = w.redis->lane().reconnects;
    const auto until = test::in(5s);
    while (w.redis->lane().reconnects == lost_before && clock::now() < until) {
        const auto started = clock::now();
        w.start_echoes(3, 100ms);
        w.join();
        EXPECT_LT(clock::now() - started, 1s);
    }
    EXPECT_GT(w.redis->lane().reconnects, lost_before);
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "not sent"}));
    w.expect_recovers(std::string("async: black hole ") + GetParam().name);
}

TEST_P(RedisSilence, EndsABlockingPopAtItsDeadline) {
    fault_world w;
    const auto pop = [](fault_world& on) -> boost::asio::awaitable<void> {
        auto leased = co_await on.redis->lease(on.by(1s));
        EXPECT_TRUE(leased.has_value());
        if (!leased) co_return;
        const auto reply = co_await leased->execute(command("BLPOP", "never", 0), test::in(300ms));
        on.outcomes.add(reply);
    };
    w.start(pop(w));
    ASSERT_TRUE(w.passes(toward::server, 30));
    fall_silent(w.gate);
    w.join(3s);
    EXPECT_TRUE(w.outcomes.has_only({"unknown"}));
    w.expect_recovers(std::string("async: BLPOP 0 in a black hole ") + GetParam().name);
}

TEST_P(RedisSilence, EndsTheCallOfAThreadAtItsDeadline) {
    blocking_world w;
    fall_silent(w.gate);
    const auto started = clock::now();
    w.start_execute(command("ECHO", "mine"), 200ms, "mine");
    w.start_execute(command("BLPOP", "never", 0), 200ms);
    w.join();
    EXPECT_LT(clock::now() - started, 2s);
    EXPECT_TRUE(w.outcomes.has_only({"unknown", "not sent"}));
    w.expect_recovers(std::string("sync: black hole ") + GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(A, RedisSilence, testing::ValuesIn(silences),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(RedisLoss, OfASilentSubscriberIsFoundByItsPing) {
    fault_world w({.server_options = {}, .has_subscriber = true});
    w.gate.black_hole(toward::client);
    ASSERT_TRUE(w.becomes([&] { return w.told_of("gap") == 1; }, 20s));
    w.expect_recovers("subscriber: black hole of messages");
    EXPECT_EQ(w.told_of("restored"), 1);
}

// --- Those who never begin to speak ---

const end_case doors[] = {
    {"IsUnattended", [](fault_gate& gate) { gate.stop_accepting(); }},
    {"IsLocked", [](fault_gate& gate) { gate.refuse(); }},
    {"NeverAnswersHello", [](fault_gate& gate) { gate.pause(toward::client); }},
    {"NeverHearsHello", [](fault_gate& gate) { gate.black_hole(toward::server); }},
    {"HangsUpAtHello", [](fault_gate& gate) { gate.close_on_data(toward::server); }},
};

class RedisDoor : public testing::TestWithParam<end_case> {};

TEST_P(RedisDoor, MeansNotSentByTheDeadline) {
    fault_world w({.server_options = {}, .has_subscriber = true});
    GetParam().act(w.gate);
    w.gate.cut();
    ASSERT_TRUE(w.becomes([&] { return w.redis->lane().connections == 0; }));
    const auto started = clock::now();
    w.start_echoes(20, 300ms);
    w.join(3s);
    EXPECT_LT(clock::now() - started, 1500ms);
    EXPECT_EQ(w.outcomes.total(), 20);
    EXPECT_TRUE(w.outcomes.has_only({"not sent"}));
    w.expect_recovers(std::string("async, subscriber: a server that ") + GetParam().name);
    EXPECT_EQ(w.told_of("gap"), 1);
    EXPECT_EQ(w.told_of("restored"), 1);
}

TEST_P(RedisDoor, MeansNotSentByTheDeadlineOfAThread) {
    blocking_world w;
    GetParam().act(w.gate);
    w.gate.cut();
    ASSERT_TRUE(wait_in_thread([&] { return w.server.client_names().empty(); }));
    const auto started = clock::now();
    for (int i = 0; i < 4; ++i)
        w.start_execute(command("ECHO", "mine"), 300ms, "mine");
    w.join();
    EXPECT_LT(clock::now() - started, 1500ms);
    EXPECT_TRUE(w.outcomes.has_only({"not sent"}));
    w.expect_recovers(std::string("sync: a server that ") + GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(That, RedisDoor, testing::ValuesIn(doors),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace headroom::redis
