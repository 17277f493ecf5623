// SPDX-License-Identifier: Apache-2.0
// What is held for Redis, what is refused, and where losses are told.
#include "chat/core/emit_buffer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace headroom::chat {
namespace {

constexpr emit_bounds small{
    .events_max = 4, .bytes_max = 100, .event_bytes_max = 40, .batch_events_max = 3};

outgoing_event event(std::string data) {
    return {.name = "e", .data = std::move(data)};
}

std::string join(const std::vector<outgoing_event>& batch) {
    std::string text;
    for (const auto& each : batch)
        text += each.data;
    return text;
}

emit_buffer holding(std::string_view letters, emit_bounds bounds = small) {
    emit_buffer buffer(bounds);
    for (const char letter : letters)
        EXPECT_EQ(buffer.push(event(std::string(1, letter))), emit_verdict::taken);
    return buffer;
}

TEST(EmitBuffer, GivesEventsInOrderABatchAtATime) {
    auto buffer = holding("abcd");
    EXPECT_EQ(join(buffer.take_batch()), "abc");
    EXPECT_EQ(join(buffer.take_batch()), "") << "one is out";
    EXPECT_EQ(buffer.on_delivered(), 0U);
    EXPECT_EQ(join(buffer.take_batch()), "d");
    EXPECT_EQ(buffer.on_delivered(), 0U);
    EXPECT_EQ(join(buffer.take_batch()), "");
}

TEST(EmitBuffer, HoldsABatchUntilItIsDelivered) {
    auto buffer = holding("abcd");
    EXPECT_EQ(buffer.take_batch().size(), 3U);
    EXPECT_EQ(buffer.stats().held, 4U);
    EXPECT_EQ(buffer.push(event("e")), emit_verdict::full) << "what is out takes room";
    EXPECT_EQ(buffer.on_delivered(), 1U);
    EXPECT_EQ(buffer.stats().held, 1U);
    EXPECT_EQ(buffer.stats().delivered, 3U);
}

TEST(EmitBuffer, RefusesAndCountsWhatExceedsItsEvents) {
    auto buffer = holding("abcd");
    EXPECT_EQ(buffer.push(event("e")), emit_verdict::full);
    EXPECT_EQ(buffer.push(event("f")), emit_verdict::full);
    const auto now = buffer.stats();
    EXPECT_EQ(now.accepted, 4U);
    EXPECT_EQ(now.dropped, 2U);
    EXPECT_EQ(now.held, 4U);
    EXPECT_EQ(join(buffer.take_batch()), "abc") << "those held stay";
}

TEST(EmitBuffer, RefusesWhatExceedsItsBytes) {
    emit_buffer buffer(small);
    const std::string long_one(39, 'x');
    EXPECT_EQ(buffer.push(event(long_one)), emit_verdict::taken);
    EXPECT_EQ(buffer.push(event(long_one)), emit_verdict::taken);
    EXPECT_EQ(buffer.push(event(std::string(20, 'y'))), emit_verdict::full) << "101 bytes";
    EXPECT_EQ(buffer.stats().dropped, 1U);
}

TEST(EmitBuffer, TakesWhatFillsItsBytesExactly) {
    emit_buffer buffer(small);
    const std::string long_one(39, 'x');
    EXPECT_EQ(buffer.push(event(long_one)), emit_verdict::taken);
    EXPECT_EQ(buffer.push(event(long_one)), emit_verdict::taken);
    EXPECT_EQ(buffer.push(event(std::string(19, 'y'))), emit_verdict::taken) << "100 bytes";
}

TEST(EmitBuffer, RefusesAnEventThatIsTooLongWithoutCountingItAsDropped) {
    emit_buffer buffer(small);
    EXPECT_EQ(buffer.push(event(std::string(40, 'x'))), emit_verdict::too_long);
    EXPECT_EQ(buffer.stats().dropped, 0U);
    EXPECT_EQ(buffer.push(event("a")), emit_verdict::taken);
}

TEST(EmitBuffer, RefusesWhatIsNoRecord) {
    emit_buffer buffer(small);
    EXPECT_EQ(buffer.push({.name = "two words", .data = "{}"}), emit_verdict::no_record);
    EXPECT_EQ(buffer.push({.name = "", .data = "{}"}), emit_verdict::no_record);
    EXPECT_EQ(buffer.push({.name = "e", .data = "{\n}"}), emit_verdict::no_record);
    EXPECT_EQ(buffer.push({.name = "e", .data = "\xff"}), emit_verdict::no_record);
    EXPECT_EQ(buffer.stats().accepted, 0U);
}

TEST(EmitBuffer, TakesNothingBetweenALossAndItsNotice) {
    auto buffer = holding("abcd");
    EXPECT_EQ(buffer.take_batch().size(), 3U);
    EXPECT_EQ(buffer.push(event("lost")), emit_verdict::full);
    EXPECT_EQ(buffer.on_delivered(), 1U);
    buffer.add_notice(event("!"));
    EXPECT_EQ(buffer.push(event("e")), emit_verdict::taken);
    EXPECT_EQ(join(buffer.take_batch()), "d!e") << "told where they are missing";
    EXPECT_EQ(buffer.on_delivered(), 0U) << "told once";
}

TEST(EmitBuffer, RefusesAShortEventAfterALongOneWasRefused) {
    emit_buffer buffer(small);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(buffer.push(event(std::string(39, 'x'))), emit_verdict::taken);
    EXPECT_EQ(buffer.push(event(std::string(30, 'y'))), emit_verdict::full);
    EXPECT_EQ(buffer.push(event("z")), emit_verdict::full) << "it would stand before the notice";
    EXPECT_EQ(buffer.take_batch().size(), 2U);
    EXPECT_EQ(buffer.on_delivered(), 2U);
    EXPECT_EQ(buffer.push(event("z")), emit_verdict::taken);
}

TEST(EmitBuffer, CountsNoNoticeAmongTheEvents) {
    auto buffer = holding("a");
    buffer.add_notice(event("!"));
    EXPECT_EQ(buffer.stats().accepted, 1U);
    EXPECT_EQ(join(buffer.take_batch()), "a!");
    EXPECT_EQ(buffer.on_delivered(), 0U);
    EXPECT_EQ(buffer.stats().delivered, 1U);
    EXPECT_EQ(buffer.stats().held, 0U);
}

TEST(EmitBuffer, TellsByItsPositionsWhenAllIsDelivered) {
    auto buffer = holding("abcd");
    const auto asked = buffer.position();
    EXPECT_EQ(buffer.take_batch().size(), 3U);
    (void)buffer.on_delivered();
    EXPECT_LT(buffer.delivered_position(), asked);
    EXPECT_EQ(buffer.take_batch().size(), 1U);
    (void)buffer.on_delivered();
    EXPECT_EQ(buffer.delivered_position(), asked);
}

TEST(EmitBuffer, IsNotDeliveredBeforeALossIsTold) {
    auto buffer = holding("abc");
    EXPECT_EQ(buffer.take_batch().size(), 3U);
    EXPECT_EQ(buffer.push(event("d")), emit_verdict::taken);
    EXPECT_EQ(buffer.push(event("lost")), emit_verdict::full);
    const auto asked = buffer.position();
    EXPECT_EQ(buffer.on_delivered(), 1U);
    buffer.add_notice(event("!"));
    EXPECT_EQ(buffer.position(), asked) << "the notice takes the place that was kept for it";
    EXPECT_EQ(join(buffer.take_batch()), "d!");
    EXPECT_LT(buffer.delivered_position(), asked);
    (void)buffer.on_delivered();
    EXPECT_EQ(buffer.delivered_position(), asked);
}

// A world that keeps its own books: every event taken comes out once and in order, each loss is
// told where it happened, and the bounds hold at every step.
TEST(EmitBuffer, LosesNothingUntoldInAnyOrderOfCalls) {
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 dice(seed);
        emit_buffer buffer(small);
        std::string expected;  // taken letters, and '!' where some are missing
        std::string got;
        std::vector<outgoing_event> out;
        std::uint64_t missing = 0;
        for (int step = 0; step < 200; ++step) {
            const auto choice = dice() % 4;
            if (choice < 2) {
                const std::string data(1, static_cast<char>('a' + step % 26));
                const auto verdict = buffer.push(event(data));
                if (verdict == emit_verdict::taken) expected += data;
                if (verdict == emit_verdict::full) ++missing;
            } else if (choice == 2) {
                if (out.empty()) out = buffer.take_batch();
            } else if (!out.empty()) {
                got += join(out);
                out.clear();
                const auto lost = buffer.on_delivered();
                EXPECT_EQ(lost, missing) << "seed " << seed;
                if (lost > 0) {
                    buffer.add_notice(event("!"));
                    expected += '!';
                }
                missing = 0;
            }
            EXPECT_LE(buffer.stats().held, small.events_max) << "seed " << seed;
        }
        if (!out.empty()) {
            got += join(out);
            (void)buffer.on_delivered();
        }
        for (out = buffer.take_batch(); !out.empty(); out = buffer.take_batch()) {
            got += join(out);
            (void)buffer.on_delivered();
        }
        EXPECT_EQ(got, expected) << "seed " << seed;
        EXPECT_EQ(buffer.position(), buffer.delivered_position());
    }
}

}  // namespace
}  // namespace headroom::chat
