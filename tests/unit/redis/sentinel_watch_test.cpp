// SPDX-License-Identifier: Apache-2.0
#include "redis/core/sentinel_watch.hpp"

#include <gtest/gtest.h>

#include "base/time.hpp"

namespace headroom::redis {
namespace {

using namespace std::chrono_literals;
using watch = sentinel_watch;

const clock::time_point start{};
const host_and_port ann{"10.0.0.1", 26379};
const host_and_port bob{"10.0.0.2", 26379};
const host_and_port cat{"10.0.0.3", 26379};
const host_and_port old_primary{"10.0.1.1", 6379};
const host_and_port new_primary{"10.0.1.2", 6379};

value text(std::string_view words) {
    value v;
    v.kind = value_kind::string;
    v.text = words;
    return v;
}
value refused(std::string_view words) {
    auto v = text(words);
    v.kind = value_kind::error;
    return v;
}
value list(value_kind kind, std::vector<value> items) {
    value v;
    v.kind = kind;
    v.items = std::move(items);
    return v;
}
value address(const host_and_port& where) {
    return list(value_kind::array, {text(where.host), text(std::to_string(where.port))});
}
value configuration(int epoch) {
    return list(value_kind::map,
                {text("name"), text("shop"), text("config-epoch"), text(std::to_string(epoch))});
}
value others(const std::vector<host_and_port>& sentinels) {
    auto all = list(value_kind::array, {});
    for (const auto& each : sentinels) {
        all.items.push_back(
            list(value_kind::map, {text("name"), text("run id"), text("ip"), text(each.host),
                                   text("port"), text(std::to_string(each.port))}));
    }
    return all;
}
value subscribed(value_kind kind = value_kind::push) {
    value one;
    one.kind = value_kind::integer;
    one.integer = 1;
    return list(kind, {text("subscribe"), text("+switch-master"), one});
}
value switched(const host_and_port& from, const host_and_port& to, std::string_view name = "shop",
               value_kind kind = value_kind::push) {
    return list(kind, {text("message"), text("+switch-master"),
                       text(std::string(name) + " " + from.host + " " + std::to_string(from.port) +
                            " " + to.host + " " + std::to_string(to.port))});
}

sentinel_watch_options of(std::vector<host_and_port> sentinels, bool stays = true) {
    return {.sentinels = std::move(sentinels), .primary_name = "shop", .stays = stays};
}

template <class Step>
bool is(const watch::step& step) {
    return std::holds_alternative<Step>(step);
}
host_and_port dialled(watch& w, clock::time_point now) {
    const auto step = w.next(now);
    EXPECT_TRUE(is<watch::dial>(step));
    return is<watch::dial>(step) ? std::get<watch::dial>(step).where : host_and_port{};
}
std::vector<std::string> sent(watch& w, clock::time_point now) {
    std::vector<std::string> words;
    const auto step = w.next(now);
    EXPECT_TRUE(is<watch::send>(step));
    if (!is<watch::send>(step)) return words;
    for (const auto& each : std::get<watch::send>(step).what) {
        words.emplace_back(each.name());
        for (std::size_t i = 1; i < each.argument_count(); ++i)
            words.back() += " " + std::string(each.argument(i));
    }
    return words;
}
// Dials whom it names, and has that one tell all.
void answer(watch& w, clock::time_point now, const host_and_port& primary, int epoch,
            const std::vector<host_and_port>& known = {}) {
    (void)dialled(w, now);
    w.on_connected(3);
    (void)sent(w, now);
    for (const auto& each : {subscribed(), address(primary), configuration(epoch), others(known)})
        w.on_value(each, now);
}

TEST(SentinelWatch, DialsNothingBeforeSomebodyNeedsTheAddress) {
    watch w(of({ann}));
    EXPECT_TRUE(is<watch::rest>(w.next(start)));
    w.on_wanted();
    EXPECT_EQ(dialled(w, start), ann);
}

TEST(SentinelWatch, SubscribesBeforeItAsksSoThatNoSwitchFallsBetween) {
    watch w(of({ann}));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_connected(3);
    EXPECT_EQ(sent(w, start),
              (std::vector<std::string>{"SUBSCRIBE +switch-master",
                                        "SENTINEL GET-MASTER-ADDR-BY-NAME shop",
                                        "SENTINEL MASTER shop", "SENTINEL SENTINELS shop"}));
}

TEST(SentinelWatch, AsksBeforeItSubscribesInResp2) {
    watch w(of({ann}));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_connected(2);
    EXPECT_EQ(sent(w, start).back(), "SUBSCRIBE +switch-master");
    for (const auto& each :
         {address(old_primary), configuration(1), others({}), subscribed(value_kind::array)})
        w.on_value(each, start);
    EXPECT_EQ(w.primary(), old_primary);
    w.on_value(switched(old_primary, new_primary, "shop", value_kind::array), start);
    EXPECT_EQ(w.primary(), new_primary);
    EXPECT_EQ(sent(w, start + 10s), (std::vector<std::string>{"PING"}));
    w.on_value(list(value_kind::array, {text("pong"), text("")}), start + 10s);
    EXPECT_EQ(w.connected_to(), ann);
}

TEST(SentinelWatch, KnowsThePrimaryOnceBothAnswersHaveCome) {
    watch w(of({ann}));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_connected(3);
    (void)sent(w, start);
    w.on_value(subscribed(), start);
    w.on_value(address(old_primary), start);
    EXPECT_EQ(w.primary(), std::nullopt);
    w.on_value(configuration(1), start);
    EXPECT_EQ(w.primary(), old_primary);
    EXPECT_EQ(w.moves(), 0);
}

TEST(SentinelWatch, CountsAMoveWhenASwitchIsAnnounced) {
    watch w(of({ann}));
    w.on_wanted();
    answer(w, start, old_primary, 1);
    w.on_value(switched(old_primary, new_primary), start + 1s);
    EXPECT_EQ(w.primary(), new_primary);
    EXPECT_EQ(w.moves(), 1);
    // At once, because the message does not tell the configuration's age.
    EXPECT_EQ(sent(w, start + 1s).front(), "SENTINEL GET-MASTER-ADDR-BY-NAME shop");
}

TEST(SentinelWatch, IgnoresTheSwitchOfAnotherPrimary) {
    watch w(of({ann}));
    w.on_wanted();
    answer(w, start, old_primary, 1);
    w.on_value(switched(old_primary, new_primary, "other"), start);
    w.on_value(list(value_kind::push, {text("message"), text("+switch-master"), text("shop x")}),
               start);
    EXPECT_EQ(w.primary(), old_primary);
    EXPECT_EQ(w.moves(), 0);
}

TEST(SentinelWatch, AsksTheNextOneWhenOneDoesNotAnswer) {
    watch w(of({ann, bob}));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_disconnected("refused", start);
    EXPECT_EQ(dialled(w, start), bob);
    w.on_connected(3);
    (void)sent(w, start);
    EXPECT_TRUE(is<watch::hang_up>(w.next(start + 1s)));
    w.on_disconnected("", start + 1s);
    EXPECT_EQ(w.failed_rounds(), 1);
    EXPECT_EQ(w.describe_failure(),
              "no sentinel tells where primary 'shop' is: 10.0.0.1:26379: refused; "
              "10.0.0.2:26379: it has not answered in time");
    EXPECT_TRUE(is<watch::wait>(w.next(start + 1s)));  // a round is followed by a pause
    EXPECT_EQ(dialled(w, start + 2s), ann);
}

TEST(SentinelWatch, MovesOneThatAnswersToTheFront) {
    watch w(of({ann, bob}));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_disconnected("refused", start);
    answer(w, start, old_primary, 1);
    w.on_disconnected("it went away", start);
    EXPECT_EQ(w.primary(), std::nullopt);  // nobody vouches for it now
    EXPECT_EQ(dialled(w, start), ann);
    w.on_disconnected("refused", start);
    EXPECT_EQ(dialled(w, start + 2s), bob);
}

TEST(SentinelWatch, LearnsOfOtherSentinelsWithinABound) {
    auto options = of({ann});
    options.sentinels_max = 2;
    watch w(options);
    w.on_wanted();
    answer(w, start, old_primary, 1, {bob, cat});
    EXPECT_EQ(w.sentinel_count(), 2);
    w.on_disconnected("it went away", start);
    EXPECT_EQ(dialled(w, start), bob);
}

TEST(SentinelWatch, SaysThatASentinelDoesNotKnowTheName) {
    watch w(of({ann}));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_connected(3);
    (void)sent(w, start);
    w.on_value(subscribed(), start);
    w.on_value(value{}, start);
    EXPECT_TRUE(is<watch::hang_up>(w.next(start)));
    w.on_disconnected("", start);
    EXPECT_TRUE(w.describe_failure().ends_with("it knows no primary named 'shop'"));
}

TEST(SentinelWatch, SaysThatAServerIsNoSentinel) {
    watch w(of({ann}));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_connected(3);
    (void)sent(w, start);
    w.on_value(subscribed(), start);
    w.on_value(refused("ERR unknown command 'SENTINEL'"), start);
    w.on_disconnected("", start);
    EXPECT_TRUE(w.describe_failure().ends_with("ERR unknown command 'SENTINEL'"));
}

TEST(SentinelWatch, AsksAnewWhenTheAddressCannotBeReached) {
    watch w(of({ann}));
    w.on_wanted();
    answer(w, start, old_primary, 1);
    w.on_dial_ended(old_primary, watch::dial_end::unreachable, start);
    EXPECT_EQ(w.primary(), std::nullopt);
    EXPECT_EQ(sent(w, start).size(), 2);
    w.on_value(address(new_primary), start);
    w.on_value(configuration(2), start);
    EXPECT_EQ(w.primary(), new_primary);
    EXPECT_EQ(w.moves(), 1);
}

TEST(SentinelWatch, PausesBetweenQuestionsThatBringNothingNew) {
    watch w(of({ann}));
    w.on_wanted();
    answer(w, start, old_primary, 1);
    auto now = start;
    clock::duration paused{};
    for (int i = 0; i < 12; ++i) {
        w.on_dial_ended(old_primary, watch::dial_end::unreachable, now);
        const auto step = w.next(now);
        if (is<watch::wait>(step)) {
            paused = std::get<watch::wait>(step).until - now;
            now = std::get<watch::wait>(step).until;
            EXPECT_EQ(sent(w, now).size(), 2);
        }
        w.on_value(address(old_primary), now);
        w.on_value(configuration(1), now);
        EXPECT_EQ(w.primary(), old_primary);  // its only sentinel says so: it may come back
    }
    EXPECT_GE(paused, 1s);
    EXPECT_LE(paused, 2s);
}

TEST(SentinelWatch, TurnsToAnotherSentinelWhenItsPrimaryIsAReplica) {
    watch w(of({ann, bob}));
    w.on_wanted();
    answer(w, start, old_primary, 1);
    w.on_dial_ended(old_primary, watch::dial_end::no_primary, start);
    (void)sent(w, start);
    w.on_value(address(old_primary), start);
    w.on_value(configuration(1), start);
    EXPECT_TRUE(is<watch::hang_up>(w.next(start)));
    w.on_disconnected("", start);
    answer(w, start, new_primary, 2);
    EXPECT_EQ(w.connected_to(), bob);
    EXPECT_EQ(w.primary(), new_primary);
}

// One's answer is no news after the other's: only pauses end that.
TEST(SentinelWatch, PausesForLongerAndLongerWhileSentinelsNameDifferentReplicas) {
    watch w(of({ann, bob}));
    w.on_wanted();
    auto now = start;
    std::size_t questions = 0;
    host_and_port named = old_primary;
    while (now < start + 20s) {
        const auto step = w.next(now);
        if (const auto* pause = std::get_if<watch::wait>(&step)) {
            now = pause->until;
        } else if (const auto* to = std::get_if<watch::dial>(&step)) {
            named = to->where == ann ? old_primary : new_primary;
            w.on_connected(3);
        } else if (const auto* asked = std::get_if<watch::send>(&step)) {
            ASSERT_LT(++questions, 100U);
            if (asked->what.size() == 4) w.on_value(subscribed(), now);
            w.on_value(address(named), now);
            w.on_value(refused("NOPERM"), now);
            if (asked->what.size() == 4) w.on_value(others({}), now);
            if (const auto where = w.primary())
                w.on_dial_ended(*where, watch::dial_end::no_primary, now);
        } else if (is<watch::hang_up>(step)) {
            w.on_disconnected("", now);
        } else {
            FAIL() << "it rests while the primary is in doubt";
        }
    }
}

TEST(SentinelWatch, AsksAgainWhenADialFailsBetweenTheAddressAndItsAge) {
    watch w(of({ann}));
    w.on_wanted();
    answer(w, start, old_primary, 1);
    const auto then = start + 5s;
    (void)sent(w, then);
    w.on_value(address(old_primary), then);
    w.on_dial_ended(old_primary, watch::dial_end::no_primary, then);
    w.on_value(configuration(1), then);
    EXPECT_EQ(w.primary(), std::nullopt);  // named before the server said that it is a replica
    EXPECT_EQ(sent(w, then).size(), 2U);
    w.on_value(address(new_primary), then);
    w.on_value(configuration(2), then);
    EXPECT_EQ(w.primary(), new_primary);
}

TEST(SentinelWatch, DoesNotBelieveAnOlderConfiguration) {
    watch w(of({ann, bob}));
    w.on_wanted();
    answer(w, start, new_primary, 5);
    w.on_disconnected("it went away", start);
    answer(w, start, old_primary, 4);
    EXPECT_EQ(w.moves(), 0);
    EXPECT_TRUE(is<watch::hang_up>(w.next(start)));
    w.on_disconnected("", start);
    EXPECT_TRUE(w.describe_failure().contains("configuration 4, older than 5"));
}

TEST(SentinelWatch, BelievesAnOlderConfigurationOnceAllKnowNoNewerOne) {
    watch w(of({ann}));
    w.on_wanted();
    answer(w, start, new_primary, 5);
    w.on_disconnected("it went away", start);
    answer(w, start + 1s, old_primary, 0);  // SENTINEL RESET has begun anew
    EXPECT_TRUE(is<watch::hang_up>(w.next(start + 1s)));
    w.on_disconnected("", start + 1s);
    answer(w, start + 4s, old_primary, 0);
    EXPECT_EQ(w.primary(), old_primary);
}

TEST(SentinelWatch, HangsUpOnceItHasAnAnswerWhenItDoesNotStay) {
    watch w(of({ann}, false));
    w.on_wanted();
    (void)dialled(w, start);
    w.on_connected(3);
    EXPECT_EQ(sent(w, start).size(), 3);  // no subscription
    for (const auto& each : {address(old_primary), configuration(1), others({})})
        w.on_value(each, start);
    EXPECT_TRUE(is<watch::hang_up>(w.next(start)));
    w.on_disconnected("", start);
    EXPECT_EQ(w.primary(), old_primary);
    EXPECT_TRUE(is<watch::rest>(w.next(start)));
    w.on_wanted();
    EXPECT_EQ(w.primary(), std::nullopt);  // it has heard of no failover since
    EXPECT_EQ(dialled(w, start), ann);
}

TEST(SentinelWatch, AsksNowAndThenSoThatASilentSentinelIsNoticed) {
    watch w(of({ann, bob}));
    w.on_wanted();
    answer(w, start, old_primary, 1);
    const auto step = w.next(start);
    ASSERT_TRUE(is<watch::wait>(step));
    const auto then = std::get<watch::wait>(step).until;
    EXPECT_LE(then, start + 5s);
    (void)sent(w, then);
    EXPECT_EQ(w.primary(), old_primary);
    EXPECT_TRUE(is<watch::hang_up>(w.next(then + 1s)));
    w.on_disconnected("", then + 1s);
    EXPECT_EQ(dialled(w, then + 1s), bob);
}

}  // namespace
}  // namespace headroom::redis
