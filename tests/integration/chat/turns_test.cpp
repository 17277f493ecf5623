// SPDX-License-Identifier: Apache-2.0
// The life of a message on real servers: accepted, queued, claimed, answered, told, ended once.
#include <gtest/gtest.h>

#include "chat/processor/live_answer.hpp"
#include "integration/chat/turns_world.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;
using test::in;
using test::wait_until;

asio::awaitable<bool> hears(const remembering_sink& sink, std::string_view name,
                            std::size_t times = 1) {
    co_return co_await wait_until([&] { return sink.count(name) >= times; }, in(15s));
}

class Turns : public testing::Test {
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
std::unique_ptr<test::private_redis> Turns::redis_server;
std::unique_ptr<test::private_postgres> Turns::postgres_server;

asio::awaitable<void> runs_across_workers(turns_world& world) {
    world.hire().start();
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("héllo wide world");
    EXPECT_TRUE(co_await hears(ann, "conv_status", 2));

    EXPECT_EQ(ann.heard.front().name, "chat_start");
    EXPECT_EQ(ann.heard[1].name, "conv_status");
    EXPECT_GE(ann.count("chat_delta"), 1U);
    EXPECT_EQ(ann.heard[ann.heard.size() - 2].name, "chat_complete");
    EXPECT_NE(ann.heard[ann.heard.size() - 2].data.find(R"("text":"héllo wide world")"),
              std::string::npos);
    EXPECT_NE(ann.heard.back().data.find(R"("state":"idle")"), std::string::npos);
    EXPECT_TRUE(ann.numbers_are_contiguous());

    const auto whole = co_await world.read(turn);
    EXPECT_EQ(whole.title, "héllo wide world");
    EXPECT_EQ(whole.turns.size(), 1U);
    EXPECT_EQ(whole.turns.front().state, turn_state::completed);
    EXPECT_EQ(whole.turns.front().answer_text, "héllo wide world");
    EXPECT_FALSE(whole.turns.front().ended_at.empty());
    EXPECT_TRUE(co_await wait_until([&] { return world.is_queue_empty(); }, in(5s)));
}

TEST_F(Turns, AreAnsweredOnOneWorkerAndHeardOnAnother) {
    world.run(runs_across_workers(world));
}

asio::awaitable<void> survives_flush(turns_world& world) {
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated flush");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    EXPECT_EQ(world.redis_server.ask("FLUSHALL").substr(0, 3), "+OK");
    world.shared.open.set();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ(ann.count("gap"), 1U);
    EXPECT_TRUE(ann.numbers_rise());
    const auto whole = co_await world.read(turn);
    EXPECT_EQ(whole.turns.front().state, turn_state::completed);
    EXPECT_EQ(whole.turns.front().answer_text, "one two");
    EXPECT_EQ(world.shared.runs["/gated flush"], 1);
}

TEST_F(Turns, EndAlthoughRedisForgotEverythingMeanwhile) {
    world.run(survives_flush(world));
}

asio::awaitable<void> finds_lost_turns(turns_world& world) {
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("lost and found");
    EXPECT_EQ(world.redis_server.ask("FLUSHALL").substr(0, 3), "+OK");
    auto& helper = world.hire();
    helper.start();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ(helper.turns.stats().swept, 1U);
    EXPECT_EQ(helper.turns.stats().started, 1U);
    EXPECT_EQ((co_await world.read(turn)).turns.front().state, turn_state::completed);
}

TEST_F(Turns, AreEnqueuedAgainWhenRedisForgotThemBeforeTheyBegan) {
    world.run(finds_lost_turns(world));
}

asio::awaitable<void> runs_each_once(turns_world& world) {
    world.shared.open.set();
    world.hire().start();
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    constexpr int turns = 30;
    for (int i = 0; i < turns; ++i) {
        const auto text = "/gated " + std::to_string(i);
        for (;;) {  // the queue is short on purpose
            auto room = co_await world.front().queue.check_room(in(5s));
            if (room) break;
            co_await net::sleep_until(in(5ms));
        }
        const auto turn = co_await world.ask(text);
        // A queue that has forgotten that it knows the turn gets it a second time.
        (void)world.redis_server.ask("HDEL " + world.keys.known_turns() + " " + turn.turn_id);
        auto again = co_await world.front().queue.enqueue(
            turn.turn_id, turn_queue::admission::already_accepted, in(5s));
        EXPECT_TRUE(again);
    }
    EXPECT_TRUE(co_await hears(ann, "chat_complete", turns));
    EXPECT_TRUE(co_await wait_until([&] { return world.is_queue_empty(); }, in(10s)));
    EXPECT_EQ(world.shared.runs.size(), static_cast<std::size_t>(turns));
    for (const auto& [text, times] : world.shared.runs)
        EXPECT_EQ(times, 1) << text;
    EXPECT_EQ(ann.count("chat_complete"), static_cast<std::size_t>(turns));
    EXPECT_EQ(ann.count("chat_start"), static_cast<std::size_t>(turns));
}

TEST_F(Turns, RunOnceOnTwoProcessorsAlsoWhenQueuedTwice) {
    world.run(runs_each_once(world));
}

asio::awaitable<void> interrupts_dead(turns_world& world) {
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated dead");
    const auto next = co_await world.ask("after the dead", turn.conversation_id);
    EXPECT_FALSE(next.is_first_in_line);
    // A processor that claims, begins, and is gone.
    auto claims = co_await world.front().queue.claim("dead", 5, in(5s));
    EXPECT_TRUE(claims && claims->size() == 1);
    auto begun = co_await world.front().store.begin(
        turn.turn_id, {.entry = claims->front().entry, .processor = "dead#1"}, {}, in(5s));
    EXPECT_TRUE(begun && begun->verdict == claim_verdict::start);
    // Longer than the silence that counts as death.
    EXPECT_FALSE(co_await wait_until([] { return false; }, in(700ms)));

    const auto started = clock::now();
    world.hire().start();
    world.hire().start();
    EXPECT_TRUE(co_await hears(ann, "chat_error"));
    EXPECT_GE(clock::now() - started, quick_processor("").calm_time)
        << "a processor that has just reached the store cannot know who lives";
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_TRUE(co_await wait_until([&] { return world.is_queue_empty(); }, in(10s)));
    EXPECT_EQ(ann.count("chat_error"), 1U);
    const auto whole = co_await world.read(turn);
    EXPECT_EQ(whole.turns[0].state, turn_state::interrupted);
    EXPECT_EQ(whole.turns[0].failure->code, "turn_interrupted");
    EXPECT_EQ(whole.turns[1].state, turn_state::completed);
    EXPECT_EQ(world.shared.runs.count("/gated dead"), 0U);
}

TEST_F(Turns, OfADeadOwnerAreInterruptedOnceAndTheNextOneRuns) {
    world.run(interrupts_dead(world));
}

asio::awaitable<void> reclaims(turns_world& world) {
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("not begun");
    auto claims = co_await world.front().queue.claim("dead", 5, in(5s));
    EXPECT_TRUE(claims && claims->size() == 1);
    world.hire().start();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ((co_await world.read(turn)).turns.front().state, turn_state::completed);
    EXPECT_EQ(ann.count("chat_error"), 0U);
}

TEST_F(Turns, RunWhenTheirOwnerDiedBeforeBeginning) {
    world.run(reclaims(world));
}

asio::awaitable<void> keeps_living(turns_world& world) {
    world.hire().start();
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated long");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    // Much longer than a claim and a silence last.
    EXPECT_FALSE(co_await wait_until([&] { return ann.count("chat_error") > 0; }, in(1500ms)));
    world.shared.open.set();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ(world.shared.runs["/gated long"], 1);
    EXPECT_EQ((co_await world.read(turn)).turns.front().answer_text, "one two");
}

TEST_F(Turns, MayTakeLongerThanAClaimWhileTheirOwnerRenews) {
    world.run(keeps_living(world));
}

asio::awaitable<void> outlives_redis(turns_world& world) {
    world.hire().start();
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated without redis");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    world.redis_server.kill();
    // Longer than a claim lasts; the bundle ends while nothing can be published.
    EXPECT_FALSE(co_await wait_until([] { return false; }, in(500ms)));
    world.shared.open.set();
    EXPECT_FALSE(co_await wait_until([] { return false; }, in(500ms)));
    world.redis_server.start();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ(ann.count("chat_error"), 0U);
    EXPECT_GE(ann.count("gap"), 1U);
    EXPECT_EQ(world.shared.runs["/gated without redis"], 1);
    EXPECT_EQ((co_await world.read(turn)).turns.front().answer_text, "one two");
    co_await world.ask("and on it goes");
    EXPECT_TRUE(co_await hears(ann, "chat_complete", 2));
}

TEST_F(Turns, OutliveARedisThatIsAwayAndComesBackEmpty) {
    world.run(outlives_redis(world));
}

asio::awaitable<void> outlives_postgres(turns_world& world) {
    world.hire().start();
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated without postgres");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    world.postgres_server.kill();
    // Longer than the silence that counts as death.
    EXPECT_FALSE(co_await wait_until([] { return false; }, in(1s)));
    world.shared.open.set();
    auto refused = co_await take_in(world.front().store, world.front().queue,
                                    {.session_id = "s1",
                                     .conversation_id = {},
                                     .text = "while it is away",
                                     .stream_id = "tab-1"},
                                    in(300ms));
    EXPECT_FALSE(refused);
    world.postgres_server.start();
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    EXPECT_EQ(ann.count("chat_error"), 0U);
    EXPECT_EQ(world.shared.runs["/gated without postgres"], 1);
    const auto whole = co_await world.read(turn);
    EXPECT_EQ(whole.turns.front().state, turn_state::completed);
    EXPECT_EQ(whole.turns.front().answer_text, "one two");
}

TEST_F(Turns, OutliveAPostgresThatIsAwayAndAreRecordedWhenItIsBack) {
    world.run(outlives_postgres(world));
}

asio::awaitable<void> keeps_order(turns_world& world) {
    world.hire().start();
    world.hire().start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto first = co_await world.ask("/gated a");
    EXPECT_TRUE(co_await wait_until([&] { return world.shared.order.size() == 1; }, in(5s)));
    co_await world.ask("/gated b", first.conversation_id);
    co_await world.ask("/gated c", first.conversation_id);
    const auto other = co_await world.ask("/gated x");
    // Another conversation is not held up.
    EXPECT_TRUE(co_await wait_until([&] { return world.shared.order.size() == 2; }, in(5s)));
    EXPECT_EQ(world.shared.order[1], "begin /gated x");
    world.shared.open.set();
    EXPECT_TRUE(co_await hears(ann, "chat_complete", 4));
    std::vector<std::string> ours;
    for (const auto& step : world.shared.order)
        if (!step.ends_with("x")) ours.push_back(step);
    const std::vector<std::string> expected{"begin /gated a", "end /gated a",   "begin /gated b",
                                            "end /gated b",   "begin /gated c", "end /gated c"};
    EXPECT_EQ(ours, expected);
}

TEST_F(Turns, OfOneConversationRunOneAfterTheOther) {
    world.run(keeps_order(world));
}

asio::awaitable<void> deletes(turns_world& world) {
    auto& helper = world.hire();
    helper.start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated gone");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    auto& store = world.front().store;

    auto foreign = co_await store.remove("s2", turn.conversation_id, in(5s));
    EXPECT_EQ(foreign.error().code, chat_errc::no_such_conversation);
    auto listed = co_await store.list("s1", in(5s));
    EXPECT_EQ(listed->size(), 1U);
    EXPECT_EQ(listed->front().state, conversation_state::in_progress);

    auto removed = co_await store.remove("s1", turn.conversation_id, in(5s));
    EXPECT_TRUE(removed);
    auto after = co_await store.get("s1", turn.conversation_id, in(5s));
    EXPECT_EQ(after.error().code, chat_errc::no_such_conversation);
    EXPECT_TRUE(co_await wait_until([&] { return helper.turns.stats().running == 0; }, in(5s)))
        << "the bundle is stopped at the next renewal";
    EXPECT_TRUE(co_await wait_until([&] { return world.is_queue_empty(); }, in(5s)));
    EXPECT_EQ(ann.count("chat_complete"), 0U);
}

TEST_F(Turns, OfADeletedConversationAreStoppedAndForgotten) {
    world.run(deletes(world));
}

asio::awaitable<void> stops(turns_world& world) {
    auto& helper = world.hire();
    helper.start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated stop");
    EXPECT_TRUE(co_await hears(ann, "chat_delta"));
    const bool clean = co_await helper.turns.stop(in(1s));
    helper.is_started = false;
    EXPECT_TRUE(clean);
    EXPECT_TRUE(co_await hears(ann, "chat_error"));
    const auto whole = co_await world.read(turn);
    EXPECT_EQ(whole.turns.front().state, turn_state::interrupted);
    EXPECT_EQ(whole.turns.front().answer_text, "one ");
    EXPECT_TRUE(world.is_queue_empty());
}

TEST_F(Turns, ThatDoNotEndBeforeAStopAreInterruptedAndTold) {
    world.run(stops(world));
}

asio::awaitable<void> finishes_at_stop(turns_world& world) {
    auto& helper = world.hire();
    helper.start();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    co_await world.ask("a few words that take a moment");
    EXPECT_TRUE(co_await hears(ann, "chat_start"));
    const bool clean = co_await helper.turns.stop(in(5s));
    helper.is_started = false;
    EXPECT_TRUE(clean);
    EXPECT_TRUE(co_await hears(ann, "chat_complete"));
    const auto waiting = co_await world.ask("for whoever comes next");
    EXPECT_EQ(co_await world.front().queue.depth(in(5s)), 1U);
    EXPECT_EQ((co_await world.read(waiting)).turns.front().state, turn_state::accepted);
}

TEST_F(Turns, MayEndWhileTheProcessorStops) {
    world.run(finishes_at_stop(world));
}

asio::awaitable<void> fails(turns_world& world) {
    world.hire().start();
    world.shared.fails = true;
    world.shared.open.set();
    remembering_sink ann;
    auto stream = co_await world.listen(ann);
    const auto turn = co_await world.ask("/gated fail");
    EXPECT_TRUE(co_await hears(ann, "chat_error"));
    for (const auto& event : ann.heard)
        EXPECT_EQ(event.data.find("secret reason"), std::string::npos);
    const auto whole = co_await world.read(turn);
    EXPECT_EQ(whole.turns.front().state, turn_state::error);
    EXPECT_EQ(whole.turns.front().failure->code, "bundle_failed");
}

TEST_F(Turns, WhoseBundleThrowsEndAsErrorWithoutItsReason) {
    world.run(fails(world));
}

asio::awaitable<void> refuses(turns_world& world) {
    auto& store = world.front().store;
    auto& queue = world.front().queue;
    const auto said = [](std::string text, std::optional<std::string> conversation = {}) {
        return new_message{.session_id = "s1",
                           .conversation_id = std::move(conversation),
                           .text = std::move(text),
                           .stream_id = "tab-1"};
    };
    for (const auto& text : {std::string(), std::string("\xff"), std::string("a\0b", 3),
                             std::string(256 * 1024 + 1, 'x')}) {
        auto refused = co_await take_in(store, queue, said(text), in(5s));
        EXPECT_EQ(refused.error().code, chat_errc::text_rejected);
    }
    for (const auto* id : {"", "x", "00000000-0000-4000-8000-000000000000", "' OR true --"}) {
        auto refused = co_await take_in(store, queue, said("hi", id), in(5s));
        EXPECT_EQ(refused.error().code, chat_errc::no_such_conversation) << id;
    }
    const auto mine = co_await world.ask("mine");
    auto stolen = said("yours?", mine.conversation_id);
    stolen.session_id = "s2";
    auto refused = co_await take_in(store, queue, std::move(stolen), in(5s));
    EXPECT_EQ(refused.error().code, chat_errc::no_such_conversation);

    for (int i = 0; i < 3; ++i)
        co_await world.ask("more", mine.conversation_id);
    auto fifth = co_await take_in(store, queue, said("too many", mine.conversation_id), in(5s));
    EXPECT_EQ(fifth.error().code, chat_errc::queue_full);

    for (int i = 0; i < 5; ++i)
        co_await world.ask("another conversation");
    auto full = co_await take_in(store, queue, said("no room"), in(5s));
    EXPECT_EQ(full.error().code, chat_errc::queue_full);
    auto listed = co_await store.list("s1", in(5s));
    EXPECT_EQ(listed->size(), 6U) << "what was refused is not stored";
}

TEST_F(Turns, AreRefusedWithAReasonAndLeaveNothingBehind) {
    world.run(refuses(world));
}

asio::awaitable<void> repeats_harmlessly(turns_world& world) {
    auto& store = world.front().store;
    const auto turn = co_await world.ask("again and again");
    const fencing_token mine{.entry = "1-0", .processor = "p#1"};
    const turn_ending how{.state = turn_state::completed, .answer_text = "done", .failure = {}};
    auto first = co_await store.begin(turn.turn_id, mine, {}, in(5s));
    auto second = co_await store.begin(turn.turn_id, mine, {}, in(5s));
    EXPECT_EQ(first->verdict, claim_verdict::start);
    EXPECT_EQ(second->verdict, claim_verdict::resume);
    auto foreign =
        co_await store.finish(turn.turn_id, {.entry = "1-0", .processor = "q#1"}, how, in(5s));
    EXPECT_FALSE(foreign->is_recorded);
    for (int i = 0; i < 2; ++i) {
        auto finished = co_await store.finish(turn.turn_id, mine, how, in(5s));
        EXPECT_TRUE(finished->is_recorded);
    }
    auto late = how;
    late.state = turn_state::interrupted;
    auto changed = co_await store.finish(turn.turn_id, mine, late, in(5s));
    EXPECT_FALSE(changed->is_recorded) << "an end stands";
}

TEST_F(Turns, EndOnceHoweverOftenTheEndIsRecorded) {
    world.run(repeats_harmlessly(world));
}

asio::awaitable<void> answers_clock(turns_world& world) {
    auto& worker = world.front();
    EXPECT_EQ(worker.shelf.choose("hello").name, "echo");
    EXPECT_EQ(worker.shelf.choose("/clockwork").name, "echo");
    const auto& shelved = worker.shelf.choose("/clock now");
    EXPECT_EQ(shelved.name, "clock");

    live_answer answer(world.loop.get_executor(), worker.relay,
                       turn_events({.turn_id = "t", .conversation_id = "c", .session_id = "s1"}),
                       1024);
    bundle_turn turn{.request = {{}, {}, {}, "/clock"}, .answer = answer, .by = in(10s)};
    auto handled = co_await shelved.answers->handle(std::move(turn), *shelved.services);
    EXPECT_TRUE(handled) << handled.error().what();
    EXPECT_TRUE(answer.text().starts_with("The server's time is 20")) << answer.text();
    EXPECT_EQ(world.redis_server.count_clients("chat:host-1:42:sync"), 1U);
    const auto owners = worker.sync.owners();
    EXPECT_TRUE(std::ranges::any_of(
        owners, [](const auto& each) { return each.name == "bundle:clock" && each.granted == 1; }));
}

TEST_F(Turns, OfTheClockAreAnsweredThroughTheBlockingPool) {
    world.run(answers_clock(world));
}

}  // namespace
}  // namespace headroom::chat
