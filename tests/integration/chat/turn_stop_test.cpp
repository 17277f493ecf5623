// SPDX-License-Identifier: Apache-2.0
// Turns that their people stop, on real servers: wherever they run or wait, and whatever is away.
#include <gtest/gtest.h>

#include "integration/chat/turns_world.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using test::in;
using test::wait_until;

// So seldom that no test lives to see it: what happens at once was told.
constexpr auto hardly_ever = std::chrono::milliseconds(60s);

asio::awaitable<bool> hears(const remembering_sink& sink, std::string_view name,
                            std::size_t times = 1) {
    co_return co_await wait_until([&] { return sink.count(name) >= times; }, in(15s));
}

bool says(const remembering_sink& sink, std::string_view name, std::string_view what) {
    return std::ranges::any_of(sink.heard, [&](const auto& event) {
        return event.name == name && event.data.find(what) != std::string::npos;
    });
}

// A worker that hears the work channel, as in the service.
asio::awaitable<worker*> start_listening(turns_world& world,
                                         std::chrono::milliseconds renew_interval) {
    auto& helper = world.hire(renew_interval);
    helper.start();
    auto heard = co_await helper.relay.listen_for_work(
        [&helper](work_notice notice) { helper.turns.hear(notice); }, in(10s));
    EXPECT_TRUE(heard);
    co_return &helper;
}

class TurnStop : public testing::Test {
protected:
    static void SetUpTestSuite() {
        redis_server = std::make_unique<test::private_redis>();
        postgres_server = std::make_unique<test::private_postgres>();
    }
    static void TearDownTestSuite() {
        redis_server.reset();
        postgres_server.reset();
    }
    static std::unique_ptr<test::private_redis> redis_server;
    static std::unique_ptr<test::private_postgres> postgres_server;

    turns_world world{*redis_server, *postgres_server};
};
std::unique_ptr<test::private_redis> TurnStop::redis_server;
std::unique_ptr<test::private_postgres> TurnStop::postgres_server;

void expect_stopped(const stored_turn& turn, std::string_view answer) {
    EXPECT_EQ(turn.state, turn_state::interrupted);
    EXPECT_EQ(turn.failure ? turn.failure->code : "none", "turn_stopped");
    EXPECT_EQ(turn.failure ? turn.failure->message : "none", "Stopped.");
    EXPECT_EQ(turn.answer_text, answer);
    EXPECT_FALSE(turn.ended_at.empty());
}

asio::awaitable<void> stops_elsewhere(turns_world& world) {
    auto* const helper = co_await start_listening(world, hardly_ever);
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated long");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    EXPECT_EQ(co_await world.stop(turn), 1U);
    EXPECT_TRUE(co_await hears(ann, "conv_status", 2));
    EXPECT_TRUE(says(ann, "chat_error", R"("code":"turn_stopped","message":"Stopped.")"));
    EXPECT_NE(ann.heard.back().data.find(R"("state":"idle")"), std::string::npos);
    EXPECT_EQ(helper->turns.stats().interrupted, 1U);

    const auto whole = co_await world.read(turn);
    expect_stopped(whole.turns.front(), "one ");
    auto listed = co_await world.front().store.list("s1", in(5s));
    EXPECT_EQ(listed->front().state, conversation_state::idle);
    EXPECT_TRUE(co_await wait_until([&] { return world.is_queue_empty(); }, in(5s)));

    co_await world.ask("and on it goes", turn.conversation_id);
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ(ann.count("chat_error"), 1U);
}

TEST_F(TurnStop, EndsATurnAtOnceThatRunsOnAnotherWorkerAndKeepsItsBeginning) {
    world.run(stops_elsewhere(world));
}

asio::awaitable<void> stops_waiting(turns_world& world) {
    co_await start_listening(world, hardly_ever);
    co_await start_listening(world, hardly_ever);
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated a");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    co_await world.ask("/gated b", turn.conversation_id);
    co_await world.ask("/gated c", turn.conversation_id);
    const auto other = co_await world.ask("/gated x");
    EXPECT_TRUE(co_await hears(ann, "chat_delta", 2));

    EXPECT_EQ(co_await world.stop(turn), 3U);
    EXPECT_TRUE(co_await hears(ann, "chat_error", 3));
    EXPECT_EQ(ann.count("chat_start"), 2U) << "those that waited never began";
    EXPECT_EQ(world.shared.runs["/gated b"] + world.shared.runs["/gated c"], 0);
    const auto whole = co_await world.read(turn);
    expect_stopped(whole.turns[0], "one ");
    expect_stopped(whole.turns[1], "");
    expect_stopped(whole.turns[2], "");

    // Neither another conversation nor what is asked afterwards is touched.
    world.shared.open.set();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ((co_await world.read(other)).turns.front().answer_text, "one two");
    co_await world.ask("go on", turn.conversation_id);
    EXPECT_TRUE(co_await hears(ann, "chat_complete", 2));
    EXPECT_TRUE(co_await wait_until([&] { return world.is_queue_empty(); }, in(5s)));
}

TEST_F(TurnStop, EndsTheTurnsThatWaitBehindItWithoutRunningThem) {
    world.run(stops_waiting(world));
}

asio::awaitable<void> stops_unclaimed(turns_world& world) {
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated never");
    EXPECT_EQ(co_await world.stop(turn), 1U);
    world.hire().start();
    EXPECT_TRUE(co_await hears(ann, "chat_error"));
    EXPECT_EQ(ann.count("chat_start"), 0U);
    EXPECT_TRUE(world.shared.runs.empty());
    expect_stopped((co_await world.read(turn)).turns.front(), "");
    EXPECT_TRUE(co_await wait_until([&] { return world.is_queue_empty(); }, in(5s)));
}

TEST_F(TurnStop, EndsATurnThatNoProcessorHasClaimedYet) {
    world.run(stops_unclaimed(world));
}

asio::awaitable<void> stops_twice(turns_world& world) {
    co_await start_listening(world, hardly_ever);
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated twice");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    auto& store = world.front().store;
    // The mark alone, so that the turn is still there the second time.
    auto first = co_await store.request_stop("s1", turn.conversation_id, in(5s));
    EXPECT_EQ(*first, 1U);
    EXPECT_EQ(co_await world.stop(turn), 1U);
    EXPECT_TRUE(co_await hears(ann, "chat_error"));
    EXPECT_EQ(co_await world.stop(turn), 0U);
    co_await world.ask("afterwards", turn.conversation_id);
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ(ann.count("chat_error"), 1U);
    EXPECT_EQ(world.shared.runs["/gated twice"], 1);
}

TEST_F(TurnStop, EndsATurnOnceHoweverOftenItIsAskedFor) {
    world.run(stops_twice(world));
}

asio::awaitable<void> stops_nothing(turns_world& world) {
    co_await start_listening(world, hardly_ever);
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("already done");
    EXPECT_TRUE(co_await hears(ann, "conv_status", 2));
    EXPECT_EQ(co_await world.stop(turn), 0U);
    const auto whole = co_await world.read(turn);
    EXPECT_EQ(whole.turns.front().state, turn_state::completed);
    EXPECT_EQ(whole.turns.front().answer_text, "already done");
    EXPECT_EQ(ann.count("chat_error"), 0U);
}

TEST_F(TurnStop, ChangesNothingWhenEveryTurnHasEnded) {
    world.run(stops_nothing(world));
}

asio::awaitable<void> stops_without_redis(turns_world& world) {
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated without redis");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    world.redis_server.kill();
    EXPECT_EQ(co_await world.stop(turn), 1U);
    auto& store = world.front().store;
    stored_turn seen;
    for (const auto by = in(15s); !is_ended(seen.state) && clock::now() < by;) {
        co_await net::sleep_until(in(10ms));
        auto whole = co_await store.get("s1", turn.conversation_id, in(5s));
        if (whole) seen = whole->turns.front();
    }
    expect_stopped(seen, "one ");
    world.redis_server.start();
    EXPECT_TRUE(co_await hears(ann, "chat_error"));
    EXPECT_TRUE(says(ann, "chat_error", "turn_stopped"));
}

TEST_F(TurnStop, IsSeenAtTheNextRenewalWhenRedisIsAway) {
    world.run(stops_without_redis(world));
}

asio::awaitable<void> refuses_others(turns_world& world) {
    co_await start_listening(world, 50ms);
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated mine");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    auto& bob = world.front();
    auto foreign = co_await request_stop(bob.store, bob.queue, "s2", turn.conversation_id, in(5s));
    EXPECT_EQ(foreign.error().code, chat_errc::no_such_conversation);
    for (const auto* id : {"", "x", "00000000-0000-4000-8000-000000000000", "' OR true --"}) {
        auto unknown = co_await request_stop(bob.store, bob.queue, "s1", id, in(5s));
        EXPECT_EQ(unknown.error().code, chat_errc::no_such_conversation) << id;
    }
    world.shared.open.set();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ((co_await world.read(turn)).turns.front().answer_text, "one two");
}

TEST_F(TurnStop, OfAnotherSessionsConversationIsRefusedAndTheTurnRunsOn) {
    world.run(refuses_others(world));
}

asio::awaitable<void> stops_dead(turns_world& world) {
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated dead");
    auto claims = co_await world.front().queue.claim("dead", 5, in(5s));
    EXPECT_TRUE(claims && claims->size() == 1);
    auto begun = co_await world.front().store.begin(
        turn.turn_id, {.entry = claims->front().entry, .processor = "dead#1"}, {}, in(5s));
    EXPECT_TRUE(begun && begun->verdict == claim_verdict::start);
    EXPECT_EQ(co_await world.stop(turn), 1U);
    world.hire().start();
    EXPECT_TRUE(co_await hears(ann, "chat_error"));
    EXPECT_TRUE(says(ann, "chat_error", "turn_stopped"));
    expect_stopped((co_await world.read(turn)).turns.front(), "");
}

TEST_F(TurnStop, IsTheEndOfATurnWhoseOwnerDiedToo) {
    world.run(stops_dead(world));
}

asio::awaitable<void> repeats_harmlessly(turns_world& world) {
    auto& store = world.front().store;
    const auto turn = co_await world.ask("stopped before it began");
    const auto next = co_await world.ask("the next one", turn.conversation_id);
    EXPECT_EQ(co_await world.stop(turn), 2U);
    const fencing_token mine{.entry = "1-0", .processor = "p#1"};
    for (int i = 0; i < 2; ++i) {  // the answer to the first was lost
        auto begun = co_await store.begin(turn.turn_id, mine, {}, in(5s));
        EXPECT_EQ(begun->verdict, claim_verdict::stop);
        EXPECT_EQ(begun->failure ? begun->failure->code : "none", "turn_stopped");
        EXPECT_EQ(begun->next ? begun->next->turn_id : "none", next.turn_id);
    }
    auto later =
        co_await store.begin(turn.turn_id, {.entry = "1-0", .processor = "q#1"}, {}, in(5s));
    EXPECT_EQ(later->verdict, claim_verdict::drop);
}

TEST_F(TurnStop, IsToldAgainByAProcessorThatDidNotHearItWasRecorded) {
    world.run(repeats_harmlessly(world));
}

}  // namespace
}  // namespace headroom::chat
