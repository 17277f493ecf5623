// SPDX-License-Identifier: Apache-2.0
// What a stream hears when history and live events are merged.
#include "chat/core/stream_cursor.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace headroom::chat {
namespace {

stream_event event_of(std::uint64_t number) {
    return {number, "chat_delta", "{\"n\":" + std::to_string(number) + "}"};
}

history_page page_of(std::vector<std::uint64_t> numbers, std::uint64_t last) {
    history_page page{.events = {}, .last = last, .next_epoch = 1'000'000, .is_complete = true};
    for (const auto number : numbers)
        page.events.push_back(event_of(number));
    return page;
}

history_page no_history(std::uint64_t next_epoch) {
    return {.events = {}, .last = std::nullopt, .next_epoch = next_epoch, .is_complete = true};
}

// "5 6 gap@8 9"
std::string words(const std::vector<stream_event>& heard) {
    std::string text;
    for (const auto& event : heard) {
        if (!text.empty()) text += ' ';
        text += (event.name == "gap" ? "gap@" : "") + std::to_string(event.number);
    }
    return text;
}

struct listener {
    stream_cursor cursor;
    std::vector<stream_event> heard;

    explicit listener(std::optional<std::uint64_t> last_seen, std::size_t held_max = 4096)
        : cursor(last_seen, held_max) {}
    bool history(const history_page& page) { return cursor.on_history(page, heard); }
    void live(std::uint64_t number) { cursor.on_live(event_of(number), heard); }
};

TEST(StreamCursor, HearsOnlyWhatIsNewWhenItHasSeenNothing) {
    listener ann(std::nullopt);
    EXPECT_EQ(ann.cursor.position(), std::nullopt);
    EXPECT_TRUE(ann.history(page_of({}, 4)));
    ann.live(5);
    ann.live(6);
    EXPECT_EQ(words(ann.heard), "5 6");
}

TEST(StreamCursor, BeginsWithoutAGapWhereASessionHasNoHistory) {
    listener ann(std::nullopt);
    EXPECT_TRUE(ann.history(no_history(7000)));
    ann.live(9000);
    ann.live(9001);
    EXPECT_EQ(words(ann.heard), "9000 9001");
}

TEST(StreamCursor, ReplaysWhatFollowsTheLastSeenNumber) {
    listener ann(4);
    EXPECT_EQ(ann.cursor.position(), 4U);
    EXPECT_TRUE(ann.history(page_of({5, 6}, 6)));
    ann.live(7);
    EXPECT_EQ(words(ann.heard), "5 6 7");
}

TEST(StreamCursor, HearsAnEventOnceThatIsBothHistoryAndLive) {
    listener ann(4);
    ann.live(5);
    ann.live(6);
    ann.live(7);
    EXPECT_EQ(words(ann.heard), "") << "live events must wait for the history before them";
    EXPECT_TRUE(ann.history(page_of({5, 6}, 6)));
    ann.live(7);
    ann.live(8);
    EXPECT_EQ(words(ann.heard), "5 6 7 8");
}

TEST(StreamCursor, ReadsOnUntilAPageIsTheLast) {
    listener ann(1);
    auto first = page_of({2, 3}, 5);
    first.is_complete = false;
    EXPECT_FALSE(ann.history(first));
    EXPECT_EQ(ann.cursor.position(), 3U);
    EXPECT_TRUE(ann.history(page_of({4, 5}, 5)));
    EXPECT_EQ(words(ann.heard), "2 3 4 5");
}

TEST(StreamCursor, TellsAGapWhereTheHistoryWasCut) {
    listener ann(4);
    EXPECT_TRUE(ann.history(page_of({8, 9}, 9)));
    EXPECT_EQ(words(ann.heard), "gap@7 8 9");
}

TEST(StreamCursor, TellsAGapWhereALiveNumberIsMissing) {
    listener ann(4);
    EXPECT_TRUE(ann.history(page_of({}, 4)));
    ann.live(5);
    ann.live(9);
    EXPECT_EQ(words(ann.heard), "5 gap@8 9");
}

TEST(StreamCursor, TellsAGapWhenTheHistoryIsGone) {
    listener ann(4);
    EXPECT_TRUE(ann.history(no_history(7000)));
    ann.live(7000);
    EXPECT_EQ(words(ann.heard), "gap@6999 7000");
}

TEST(StreamCursor, TellsOneGapAnEpoch) {
    listener ann(4);
    EXPECT_TRUE(ann.history(page_of({}, 4)));
    ann.cursor.begin_replay();
    EXPECT_TRUE(ann.history(no_history(7000)));
    ann.live(7500);
    EXPECT_EQ(words(ann.heard), "gap@6999 7500");
}

TEST(StreamCursor, GoesBackWithAServerThatForgotItsLatestEvents) {
    listener ann(9);
    EXPECT_TRUE(ann.history(page_of({}, 6)));
    ann.live(7);
    EXPECT_EQ(words(ann.heard), "gap@6 7");
}

TEST(StreamCursor, HoldsLiveEventsWhileItCatchesUpAfterALoss) {
    listener ann(4);
    EXPECT_TRUE(ann.history(page_of({}, 4)));
    ann.live(5);
    ann.cursor.begin_replay();
    ann.live(8);
    EXPECT_TRUE(ann.history(page_of({6, 7, 8}, 8)));
    EXPECT_EQ(words(ann.heard), "5 6 7 8");
}

TEST(StreamCursor, AsksAgainWhenALossHappenedWhileAPageWasOnItsWay) {
    listener ann(4);
    ann.cursor.begin_replay();
    EXPECT_FALSE(ann.history(page_of({5}, 5)));
    EXPECT_TRUE(ann.history(page_of({6, 7}, 7)));
    ann.live(8);
    EXPECT_EQ(words(ann.heard), "5 6 7 8");
}

TEST(StreamCursor, AsksAgainWhenMoreWasHeldThanItMayHold) {
    listener ann(4, 2);
    for (const auto number : {5, 6, 7})
        ann.live(static_cast<std::uint64_t>(number));
    EXPECT_FALSE(ann.history(page_of({5}, 5)));
    EXPECT_TRUE(ann.history(page_of({6, 7}, 7)));
    EXPECT_EQ(words(ann.heard), "5 6 7");
}

TEST(StreamCursor, TellsALossAlsoBeforeTheFirstEventOfItsSession) {
    listener ann(std::nullopt);
    EXPECT_TRUE(ann.history(no_history(7000)));
    ann.cursor.begin_replay();
    EXPECT_TRUE(ann.history(page_of({8000, 8001}, 8001)));
    EXPECT_EQ(words(ann.heard), "gap@7999 8000 8001");
}

// The world publishes, loses connections, trims and forgets; a stream must hear every number once,
// in order, or a gap before the next one.
TEST(StreamCursor, HearsEveryNumberOnceOrAGapInstead) {
    for (unsigned seed = 1; seed <= 500; ++seed) {
        std::mt19937 random(seed);
        const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
        std::vector<std::uint64_t> history;
        std::uint64_t now = 1'000'000;
        bool is_connected = true;
        listener ann(std::nullopt, 8);
        std::optional<std::uint64_t> asked;

        const auto page = [&] {
            history_page read{.events = {}, .last = {}, .next_epoch = now, .is_complete = true};
            if (!history.empty()) read.last = history.back();
            for (const auto number : history)
                if (asked && number > *asked) {
                    if (read.events.size() == 3) {
                        read.is_complete = false;
                        break;
                    }
                    read.events.push_back(event_of(number));
                }
            return read;
        };
        const auto catch_up = [&] {
            while (ann.cursor.is_replaying()) {
                asked = ann.cursor.position();
                const auto read = page();
                if (chance(30)) {  // something is published while the page is on its way
                    const auto next = history.empty() ? now : history.back() + 1;
                    history.push_back(next);
                    now += 1000;
                    if (is_connected) ann.live(next);
                }
                (void)ann.history(read);
            }
        };
        catch_up();
        for (int step = 0; step < 60; ++step) {
            now += 1000;
            if (chance(60)) {
                const auto next = history.empty() ? now : history.back() + 1;
                history.push_back(next);
                if (is_connected) ann.live(next);
            } else if (chance(20)) {
                history.clear();
            } else if (chance(20) && history.size() > 2) {
                history.erase(history.begin(), history.begin() + 2);
            } else if (is_connected && chance(40)) {
                is_connected = false;
                ann.cursor.begin_replay();
            } else if (!is_connected) {
                is_connected = true;
                ann.cursor.begin_replay();
                catch_up();
            }
        }
        if (!is_connected) {
            ann.cursor.begin_replay();
            is_connected = true;
            catch_up();
        }
        for (std::size_t at = 1; at < ann.heard.size(); ++at) {
            const auto& before = ann.heard[at - 1];
            const auto& event = ann.heard[at];
            ASSERT_GE(event.number, before.number) << "seed " << seed << ": " << words(ann.heard);
            const bool is_next = event.number == before.number + 1;
            ASSERT_TRUE(is_next || event.name == "gap" || before.name == "gap")
                << "seed " << seed << ": " << words(ann.heard);
            ASSERT_TRUE(event.name == "gap" || event.number > before.number || before.name == "gap")
                << "seed " << seed << ": " << words(ann.heard);
        }
        if (!history.empty() && !ann.heard.empty()) {
            ASSERT_EQ(ann.heard.back().number, history.back()) << "seed " << seed;
        }
    }
}

}  // namespace
}  // namespace headroom::chat
