// SPDX-License-Identifier: Apache-2.0
// How many events a program may emit.
#include "chat/executor/core/event_rate.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace headroom::chat {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using enum event_rate::verdict;

constexpr clock::time_point start{};

std::uint32_t admitted_of(event_rate& rate, std::uint32_t lines, clock::time_point at) {
    std::uint32_t admitted_lines = 0;
    for (std::uint32_t line = 0; line < lines; ++line)
        if (rate.on_line(at) == admitted) ++admitted_lines;
    return admitted_lines;
}

TEST(EventRate, AdmitsTwoSecondsWorthAtOnce) {
    event_rate rate(100, 1'000'000, start);
    EXPECT_EQ(admitted_of(rate, 1'000, start), 200U);
    EXPECT_EQ(rate.on_line(start), too_fast);
}

TEST(EventRate, AdmitsTheRateAfterABurst) {
    event_rate rate(100, 1'000'000, start);
    EXPECT_EQ(admitted_of(rate, 1'000, start), 200U);
    EXPECT_EQ(admitted_of(rate, 1'000, start + milliseconds(10)), 1U);
    EXPECT_EQ(admitted_of(rate, 1'000, start + seconds(1)), 99U);
}

TEST(EventRate, SavesNoMoreThanTwoSecondsWorth) {
    event_rate rate(100, 1'000'000, start);
    EXPECT_EQ(admitted_of(rate, 1'000, start), 200U);
    EXPECT_EQ(admitted_of(rate, 1'000, clock::time_point::max()), 200U);
}

TEST(EventRate, RefusesAllAfterTheTotal) {
    event_rate rate(100, 2, start);
    for (int event = 0; event < 2; ++event) {
        EXPECT_EQ(rate.on_line(start), admitted);
        rate.on_event();
    }
    EXPECT_EQ(rate.on_line(start + seconds(60)), too_many);
}

TEST(EventRate, CountsNoLineThatWasNoEventTowardsTheTotal) {
    event_rate rate(100, 1, start);
    EXPECT_EQ(admitted_of(rate, 50, start), 50U);
    rate.on_event();
    EXPECT_EQ(rate.on_line(start), too_many);
}

TEST(EventRate, AdmitsInAnyTimeAtMostTwoSecondsWorthMoreThanTheRate) {
    EXPECT_TRUE(rc::check([] {
        const auto per_second = *rc::gen::inRange<std::uint32_t>(1, 1000);
        event_rate rate(per_second, 1'000'000, start);
        auto now = start;
        std::uint64_t all = 0;
        for (const auto pause : *rc::gen::container<std::vector<std::uint16_t>>(
                 rc::gen::inRange<std::uint16_t>(0, 3000))) {
            now += milliseconds(pause);
            all += admitted_of(rate, 50, now);
        }
        const double elapsed = std::chrono::duration<double>(now - start).count();
        RC_ASSERT(static_cast<double>(all) <= (elapsed + 2) * per_second * 1.000'001 + 1);
    }));
}

}  // namespace
}  // namespace headroom::chat
