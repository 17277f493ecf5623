// SPDX-License-Identifier: Apache-2.0
#include "pool/parked_thread.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace headroom::pool {
namespace {

using namespace std::chrono_literals;

constexpr parked_thread::word go = 1;
constexpr parked_thread::word stop = 2;

TEST(ParkedThread, HearsWhatItIsToldWhileItSleeps) {
    parked_thread me;
    int written = 0;
    std::jthread other([&] {
        written = 7;
        me.tell(go).wake();
    });
    EXPECT_EQ(me.wait(deadline::max()), go);
    EXPECT_EQ(written, 7);
    EXPECT_EQ(me.wait(deadline::max()), go);
}

TEST(ParkedThread, HearsWhatItWasToldBefore) {
    parked_thread me;
    me.tell(go).wake();
    EXPECT_EQ(me.wait(clock::now()), go);
}

TEST(ParkedThread, WaitsNoLongerThanItsDeadline) {
    parked_thread me;
    const auto by = clock::now() + 10ms;
    EXPECT_EQ(me.wait(by), parked_thread::nothing);
    EXPECT_GE(clock::now(), by);
    EXPECT_LT(clock::now(), by + 2s);
    EXPECT_EQ(me.wait(clock::now() - 1s), parked_thread::nothing);
    EXPECT_EQ(me.wait(deadline::min()), parked_thread::nothing);
}

TEST(ParkedThread, ForgetsOnlyWhatItNames) {
    parked_thread me;
    me.tell(go).wake();
    me.tell(stop).wake();
    me.forget(go);
    EXPECT_EQ(me.wait(clock::now()), stop);
    me.forget(stop);
    EXPECT_EQ(me.wait(clock::now()), parked_thread::nothing);
}

TEST(ParkedThread, LosesNoWordHoweverTheTwoMeet) {
    for (int i = 0; i < 2000; ++i) {
        parked_thread me;
        std::jthread other([&] { me.tell(go).wake(); });
        // Sometimes its deadline ends the sleep in the same moment.
        const auto heard = me.wait(clock::now() + std::chrono::microseconds(i % 50));
        if (heard == parked_thread::nothing) {
            EXPECT_EQ(me.wait(deadline::max()), go);
        } else {
            EXPECT_EQ(heard, go);
        }
    }
}

}  // namespace
}  // namespace headroom::pool
