// SPDX-License-Identifier: Apache-2.0
// Histories that read: ann, bob and cid want connections of one pool. The simulation covers the
// rest.

#include "pool/core/pool_core.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr clock::time_point start{seconds(1'000)};
constexpr waiter_tag ann = 1, bob = 2, cid = 3;

class PoolCore : public testing::Test {
protected:
    void use(limits l) {
        core.emplace(l);
        owner = core->owner("relay");
    }
    static limits of(std::uint32_t cap) {
        limits l;
        l.cap = cap;
        return l;
    }

    waiter_id ask(waiter_tag who, clock::time_point now = start, deadline by = start + seconds(1)) {
        out.clear();
        return core->acquire(owner, who, by, now, out);
    }
    template <class Event>
    void on(Event event) {
        out.clear();
        event();
    }
    // The actions of one type among the latest.
    template <class Action>
    std::vector<Action> said() const {
        std::vector<Action> found;
        for (const auto& each : out) {
            if (const auto* one = std::get_if<Action>(&each)) found.push_back(*one);
        }
        return found;
    }
    slot_id open_for(waiter_tag who) {
        ask(who);
        const auto slot = said<open_connection>().at(0).slot;
        on([&] { core->opened(slot, start, out); });
        return slot;
    }

    std::optional<pool_core> core;
    owner_id owner{};
    actions out;
};

TEST_F(PoolCore, OpensNothingUntilSomebodyAsks) {
    use(of(3));
    on([&] { core->tick(start, out); });
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(core->stats().size(), 0);
}

TEST_F(PoolCore, OpensOneAheadOfNeedWhereNoneIsIdleOrOnItsWay) {
    use(of(2));
    const auto first = open_for(ann);
    on([&] { core->open_ahead(start, out); });
    const auto second = said<open_connection>().at(0).slot;
    on([&] { core->open_ahead(start, out); });
    EXPECT_TRUE(out.empty());  // one is being opened
    on([&] { core->opened(second, start, out); });
    EXPECT_EQ(core->stats().idle, 1);
    EXPECT_EQ(core->stats().acquires, 1);  // ann's alone
    on([&] { core->returned(first, false, start, out); });
    on([&] { core->open_ahead(start, out); });
    EXPECT_TRUE(out.empty());  // one is idle
}

TEST_F(PoolCore, OpensNothingAheadOfNeedAtItsCapOrInABackOff) {
    use(of(1));
    const auto slot = open_for(ann);
    on([&] { core->open_ahead(start, out); });
    EXPECT_TRUE(out.empty());
    on([&] { core->returned(slot, false, start, out); });
    on([&] { core->released_by_server(slot, start, out); });
    on([&] { core->open_ahead(start, out); });
    const auto tried = said<open_connection>().at(0).slot;
    on([&] { core->open_failed(tried, open_failure::transient, start, out); });
    on([&] { core->open_ahead(start, out); });
    EXPECT_TRUE(out.empty());
}

TEST_F(PoolCore, GivesTheNewConnectionToTheOldestWaiter) {
    use(of(1));
    ask(ann);
    const auto slot = said<open_connection>().at(0).slot;
    ask(bob);
    on([&] { core->opened(slot, start, out); });
    EXPECT_EQ(said<grant>(), (std::vector{grant{ann, slot}}));
    on([&] { core->returned(slot, true, start, out); });
    EXPECT_EQ(said<grant>(), (std::vector{grant{bob, slot}}));
}

TEST_F(PoolCore, HandsOutTheConnectionUsedLast) {
    use(of(2));
    const auto first = open_for(ann);
    const auto second = open_for(bob);
    on([&] { core->returned(second, true, start, out); });
    on([&] { core->returned(first, true, start, out); });
    EXPECT_EQ(core->try_acquire(owner), first);
    EXPECT_EQ(core->try_acquire(owner), second);
    EXPECT_EQ(core->try_acquire(owner), std::nullopt);
}

TEST_F(PoolCore, RefusesAWaiterAtItsDeadline) {
    use(of(1));
    open_for(ann);
    ask(bob);
    on([&] { core->tick(start + milliseconds(999), out); });
    EXPECT_TRUE(said<refuse>().empty());
    on([&] { core->tick(start + seconds(1), out); });
    EXPECT_EQ(said<refuse>(), (std::vector{refuse{bob, refusal::timeout}}));
}

TEST_F(PoolCore, PassesAConnectionOverAWaiterWhoseDeadlineHasPassed) {
    use(of(1));
    const auto slot = open_for(ann);
    ask(bob, start, start + milliseconds(10));
    ask(cid, start, start + seconds(1));
    on([&] { core->returned(slot, true, start + milliseconds(10), out); });
    EXPECT_EQ(said<refuse>(), (std::vector{refuse{bob, refusal::timeout}}));
    EXPECT_EQ(said<grant>(), (std::vector{grant{cid, slot}}));
}

TEST_F(PoolCore, SaysThatAGrantedWaiterCanNoLongerBeCancelled) {
    use(of(1));
    const auto slot = open_for(ann);
    const auto waiting = ask(bob);
    on([&] { core->returned(slot, true, start, out); });
    on([&] { EXPECT_FALSE(core->cancel(waiting, start, out)); });
    EXPECT_TRUE(out.empty());
}

TEST_F(PoolCore, ClosesAConnectionThatWasNotProvenReusable) {
    use(of(1));
    const auto slot = open_for(ann);
    on([&] { core->returned(slot, false, start, out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{slot, close_reason::broken}}));
}

TEST_F(PoolCore, CountsAClosingConnectionUntilTheServerHasLetGo) {
    use(of(1));
    const auto slot = open_for(ann);
    ask(bob);
    on([&] { core->returned(slot, false, start, out); });
    EXPECT_TRUE(said<open_connection>().empty());
    on([&] { core->released_by_server(slot, start, out); });
    EXPECT_EQ(said<open_connection>().size(), 1);
}

TEST_F(PoolCore, AbandonsASlotWhoseServerNeverLetsGo) {
    use(of(1));
    const auto slot = open_for(ann);
    on([&] { core->returned(slot, false, start, out); });
    on([&] { core->tick(start + seconds(2), out); });
    EXPECT_EQ(said<abandon>(), (std::vector{abandon{slot}}));
    EXPECT_EQ(core->stats().abandoned, 1);
    EXPECT_EQ(core->stats().size(), 0);
    on([&] { core->released_by_server(slot, start + seconds(3), out); });  // late news
    EXPECT_EQ(core->stats().size(), 0);
}

TEST_F(PoolCore, OpensAFewAtOnceAndLooksAgainAfterEach) {
    auto l = of(10);
    l.opens_max = 2;
    use(l);
    ask(ann);
    const auto first = said<open_connection>().at(0).slot;
    ask(bob);
    ask(cid);
    EXPECT_EQ(core->stats().opening, 2);
    on([&] { core->opened(first, start, out); });
    EXPECT_EQ(said<open_connection>().size(), 1);
}

TEST_F(PoolCore, KeepsTheOpenWhenItsCallerGivesUp) {
    use(of(1));
    const auto waiting = ask(ann);
    const auto slot = said<open_connection>().at(0).slot;
    on([&] { EXPECT_TRUE(core->cancel(waiting, start, out)); });
    on([&] { core->opened(slot, start, out); });
    EXPECT_EQ(core->stats().idle, 1);
}

TEST_F(PoolCore, BacksOffAfterAFailedOpenAndTriesAgainForTheWaiter) {
    use(of(2));
    ask(ann, start, start + minutes(1));
    const auto slot = said<open_connection>().at(0).slot;
    on([&] { core->open_failed(slot, open_failure::transient, start, out); });
    EXPECT_TRUE(said<open_connection>().empty());
    const auto wake = said<wake_at>().at(0).when;
    EXPECT_GE(wake, start + milliseconds(25));
    EXPECT_LE(wake, start + milliseconds(50));
    on([&] { core->tick(wake, out); });
    EXPECT_EQ(said<open_connection>().size(), 1);
}

TEST_F(PoolCore, DoublesTheBackOffUpToItsMaximum) {
    use(of(1));
    auto now = start;
    ask(ann, now, deadline::max());
    clock::duration longest{};
    for (int i = 0; i < 12; ++i) {
        const auto slot = said<open_connection>().at(0).slot;
        on([&] { core->open_failed(slot, open_failure::transient, now, out); });
        const auto wake = said<wake_at>().at(0).when;
        longest = std::max(longest, wake - now);
        now = wake;
        on([&] { core->tick(now, out); });
    }
    EXPECT_GT(longest, milliseconds(2'500));
    EXPECT_LE(longest, seconds(5));
}

TEST_F(PoolCore, TellsEveryWaiterAtOnceWhenTryingAgainCannotHelp) {
    use(of(2));
    ask(ann);
    const auto slot = said<open_connection>().at(0).slot;
    ask(bob);
    const auto second = said<open_connection>().at(0).slot;
    on([&] { core->open_failed(slot, open_failure::permanent, start, out); });
    EXPECT_EQ(said<refuse>(),
              (std::vector{refuse{ann, refusal::open_failed}, refuse{bob, refusal::open_failed}}));
    on([&] { core->open_failed(second, open_failure::permanent, start, out); });
    ask(cid);
    EXPECT_EQ(said<refuse>(), (std::vector{refuse{cid, refusal::open_failed}}));
    EXPECT_TRUE(said<open_connection>().empty()) << "a wrong password must not be hammered";
}

TEST_F(PoolCore, LetsCallersWaitAgainOnceALaterFailureMayPass) {
    use(of(1));
    ask(ann);
    auto slot = said<open_connection>().at(0).slot;
    on([&] { core->open_failed(slot, open_failure::permanent, start, out); });
    const auto later = start + minutes(1);
    ask(bob, later, later + minutes(1));
    slot = said<open_connection>().at(0).slot;
    on([&] { core->open_failed(slot, open_failure::transient, later, out); });
    EXPECT_TRUE(said<refuse>().empty());
    ask(cid, later, later + minutes(1));
    EXPECT_TRUE(said<refuse>().empty()) << "refused at once, a caller who retries would spin";
    EXPECT_EQ(core->stats().waiting, 2);
}

TEST_F(PoolCore, SaysOpenFailedInsteadOfTimeoutWhenTheServerIsAway) {
    use(of(1));
    ask(ann);
    const auto slot = said<open_connection>().at(0).slot;
    on([&] { core->open_failed(slot, open_failure::transient, start, out); });
    on([&] { core->tick(start + seconds(1), out); });
    EXPECT_EQ(said<refuse>(), (std::vector{refuse{ann, refusal::open_failed}}));
}

TEST_F(PoolCore, RefusesMoreWaitersThanItsQueueHolds) {
    auto l = of(1);
    l.waiters_max = 1;
    use(l);
    open_for(ann);
    ask(bob);
    ask(cid);
    EXPECT_EQ(said<refuse>(), (std::vector{refuse{cid, refusal::queue_full}}));
}

TEST_F(PoolCore, FillsItsFloorUnaskedAndAgainAfterBreakage) {
    auto l = of(3);
    l.floor = 2;
    l.opens_max = 5;
    use(l);
    on([&] { core->tick(start, out); });
    const auto opens = said<open_connection>();
    ASSERT_EQ(opens.size(), 2);
    for (const auto& each : opens)
        on([&] { core->opened(each.slot, start, out); });
    on([&] { core->broken(opens[0].slot, start, out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{opens[0].slot, close_reason::went_away}}));
    EXPECT_EQ(said<open_connection>().size(), 1);
}

TEST_F(PoolCore, ClosesWhatIsIdleTooLongButNeverBelowTheFloor) {
    auto l = of(3);
    l.floor = 1;
    l.idle_timeout = seconds(10);
    l.lifetime = clock::duration::zero();
    use(l);
    on([&] { core->tick(start, out); });
    const auto first = said<open_connection>().at(0).slot;
    on([&] { core->opened(first, start, out); });
    EXPECT_TRUE(core->try_acquire(owner).has_value());
    const auto second = open_for(ann);
    on([&] { core->returned(first, true, start, out); });
    on([&] { core->returned(second, true, start, out); });
    on([&] { core->tick(start + seconds(10), out); });
    EXPECT_EQ(said<close_connection>(), (std::vector{close_connection{first, close_reason::idle}}));
    on([&] { core->tick(start + minutes(10), out); });
    EXPECT_TRUE(said<close_connection>().empty());
}

TEST_F(PoolCore, LooksAtIdleConnectionsWhileItIsQuietAndOnlyThen) {
    auto l = of(2);
    l.peek_interval = seconds(3);
    use(l);
    const auto first = open_for(ann);
    const auto second = open_for(bob);
    const auto now = start + seconds(1);
    on([&] { core->tick(now, out); });
    on([&] { core->returned(first, true, now, out); });
    ASSERT_FALSE(said<wake_at>().empty());
    EXPECT_EQ(said<wake_at>().back(), wake_at{now + seconds(3)});
    on([&] { core->tick(now + seconds(2), out); });
    EXPECT_TRUE(said<peek>().empty());
    on([&] { core->returned(second, true, now + seconds(2), out); });
    on([&] { core->tick(now + seconds(3), out); });
    EXPECT_EQ(said<peek>(), (std::vector{peek{first}, peek{second}}));
    EXPECT_EQ(said<wake_at>(), (std::vector{wake_at{now + seconds(6)}}));
    EXPECT_TRUE(core->try_acquire(owner).has_value());
    EXPECT_TRUE(core->try_acquire(owner).has_value());
    on([&] { core->tick(now + seconds(6), out); });
    EXPECT_TRUE(out.empty()) << "nothing is idle, nothing is to be looked at";
}

TEST_F(PoolCore, RetiresAConnectionBetweenHalfAndAllOfItsLifetime) {
    auto l = of(1);
    l.lifetime = minutes(10);
    l.idle_timeout = clock::duration::zero();
    use(l);
    const auto slot = open_for(ann);
    on([&] { core->returned(slot, true, start + minutes(5) - milliseconds(1), out); });
    EXPECT_TRUE(said<close_connection>().empty());
    on([&] { core->tick(start + minutes(10), out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{slot, close_reason::lifetime}}));
}

TEST_F(PoolCore, ShrinksAsLeasesComeBackAndGrowsForWaiters) {
    use(of(2));
    const auto first = open_for(ann);
    open_for(bob);
    on([&] { core->resize(1, 0, start, out); });
    on([&] { core->returned(first, true, start, out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{first, close_reason::over_cap}}));
    ask(cid);
    EXPECT_TRUE(said<open_connection>().empty());
    on([&] { core->resize(4, 0, start, out); });
    EXPECT_EQ(said<open_connection>().size(), 1);
}

TEST_F(PoolCore, DrainsByRefusingWaitersAndCuttingLateLeases) {
    use(of(1));
    const auto slot = open_for(ann);
    ask(bob);
    on([&] { core->drain(start + seconds(5), start, out); });
    EXPECT_EQ(said<refuse>(), (std::vector{refuse{bob, refusal::closed}}));
    EXPECT_TRUE(said<close_connection>().empty());
    on([&] { core->tick(start + seconds(5), out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{slot, close_reason::drain_forced}}));
    on([&] { core->released_by_server(slot, start + seconds(5), out); });
    EXPECT_TRUE(core->is_drained());
}

TEST_F(PoolCore, CountsByOwnerWhoHoldsAndWhoWaits) {
    use(of(1));
    const auto store = core->owner("store");
    open_for(ann);
    out.clear();
    core->acquire(store, bob, start + seconds(1), start, out);
    EXPECT_EQ(core->owners()[0].leased, 1);
    EXPECT_EQ(core->owners()[1].name, "store");
    EXPECT_EQ(core->owners()[1].waiting, 1);
}

TEST_F(PoolCore, RemovesAnyOfAHundredThousandWaitersInOrder) {
    auto l = of(1);
    l.waiters_max = 100'000;
    use(l);
    const auto slot = open_for(ann);
    std::vector<waiter_id> waiting;
    for (waiter_tag tag = 10; tag < 100'010; ++tag)
        waiting.push_back(ask(tag));
    out.clear();
    for (std::size_t i = 0; i < waiting.size(); i += 2)
        core->cancel(waiting[i], start, out);
    EXPECT_EQ(core->stats().waiting, 50'000);
    for (waiter_tag next = 11; next < 31; next += 2) {
        on([&] { core->returned(slot, true, start, out); });
        EXPECT_EQ(said<grant>(), (std::vector{grant{next, slot}}));
    }
}

TEST_F(PoolCore, RetiresEveryConnectionWhenAnotherServerIsToBeUsed) {
    use(of(2));
    const auto leased = open_for(ann);
    const auto idle = open_for(bob);
    on([&] { core->returned(idle, true, start, out); });

    on([&] { core->retire(start, out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{idle, close_reason::retired}}));
    EXPECT_EQ(said<cut_lease>(), (std::vector{cut_lease{leased}}));

    // Even where the exchange was complete.
    on([&] { core->returned(leased, true, start, out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{leased, close_reason::retired}}));
}

TEST_F(PoolCore, ReplacesItsConnectionsWithoutDisturbingLeases) {
    use(of(3));
    const auto leased = open_for(ann);
    const auto idle = open_for(bob);
    on([&] { core->returned(idle, true, start, out); });

    on([&] { core->end_lifetimes(start, out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{idle, close_reason::lifetime}}));
    EXPECT_TRUE(said<cut_lease>().empty());
    on([&] { core->returned(leased, true, start, out); });
    EXPECT_EQ(said<close_connection>(),
              (std::vector{close_connection{leased, close_reason::lifetime}}));
    // Those opened afterwards live as long as ever.
    const auto fresh = open_for(cid);
    on([&] { core->returned(fresh, true, start, out); });
    EXPECT_TRUE(said<close_connection>().empty());
}

TEST_F(PoolCore, DialsAnotherServerWithoutTheBackOffOfTheFormerOne) {
    use(of(1));
    ask(ann);
    const auto slot = said<open_connection>().at(0).slot;
    on([&] { core->open_failed(slot, open_failure::transient, start, out); });
    EXPECT_TRUE(said<open_connection>().empty());
    on([&] { core->retire(start, out); });
    EXPECT_EQ(said<open_connection>().size(), 1);
}

}  // namespace
}  // namespace headroom::pool
