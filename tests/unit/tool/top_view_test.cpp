// SPDX-License-Identifier: Apache-2.0
// Keys and looks go in, a screen comes out: as on the terminal, without one.
#include "headroom/top/top_view.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/text.hpp"
#include "holders.hpp"

namespace headroom::tool {
namespace {

using enum inspect::group_field;
using effect = top_view::effect;
using inspect::server_kind;
using std::chrono::seconds;

const std::vector<server_use> both{
    {.name = "Redis", .in_use = 312, .usable = 10'000, .remark = "at 10.0.0.5:6379"},
    {.name = "Postgres", .in_use = 88, .usable = 97, .remark = "at db1:5432"}};

// `count` services of one connection each: s00, s01, ...
std::vector<inspect::holder> services(int count) {
    std::vector<inspect::holder> all;
    for (int i = 0; i < count; ++i) {
        const auto number = std::to_string(i);
        all.push_back(holder_named("s" + std::string(2 - number.size(), '0') + number + ":h:1:pg",
                                   server_kind::postgres));
    }
    return all;
}

top_look look_of(const std::vector<inspect::holder>& all, const top_question& asked) {
    return {.asked_at = "12:03:11", .servers = both, .holders = report_of(all, asked.by)};
}

top_view view_of(const std::vector<inspect::holder>& all, screen_size size = {}) {
    top_view view({.question = {.by = {service, kind}}});
    view.on_resize(size);
    view.on_look(look_of(all, view.question()));
    return view;
}

effect press(top_view& view, const std::string& text) {
    auto last = effect::draw;
    for (const char c : text)
        last = view.on_key({key_name::text, std::string(1, c)});
    return last;
}

std::string joined(const top_view& view) {
    std::string text;
    for (const auto& line : view.frame())
        text += line + "\n";
    return text;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// The first service of the table; nothing when there is none.
std::string first_row(const top_view& view) {
    const auto lines = view.frame();
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
        if (lines[i].starts_with("SERVICE")) return lines[i + 1].substr(0, 3);
    return {};
}

TEST(TopView, ShowsUseGroupingHeaderAndRows) {
    EXPECT_EQ(joined(view_of(services(2), {.columns = 80, .lines = 10})),
              "headroom top  12:03:11  every 2 s\n"
              "Redis     312 of 10000  [#...................]   3 %  at 10.0.0.5:6379\n"
              "Postgres   88 of 97     [##################..]  90 %  at db1:5432\n"
              "by service,kind, sorted by connections\n"
              "SERVICE  KIND  REDIS  PG  AGE  IDLE  LAST\n"
              "s00      pg        -   1   0s    0s  -\n"
              "s01      pg        -   1   0s    0s  -\n"
              "\n"
              "\n"
              "q quit  h help  s sort  g group  / filter                               1-2 of 2\n");
}

TEST(TopView, QuitsOnQAndOnCtrlCAlsoWhileAFilterIsTyped) {
    auto view = view_of({});
    EXPECT_EQ(press(view, "q"), effect::quit);
    EXPECT_EQ(press(view, "/q"), effect::draw);
    EXPECT_EQ(view.on_key({key_name::interrupt}), effect::quit);
}

TEST(TopView, SortsByTheNextColumnAndBackAndReversed) {
    auto all = services(2);
    all[1].age = seconds(60);
    auto view = view_of(all);
    EXPECT_EQ(first_row(view), "s00");
    EXPECT_EQ(press(view, "sss"), effect::draw);  // redis, postgres, age
    EXPECT_TRUE(has(joined(view), "sorted by age\n"));
    EXPECT_EQ(first_row(view), "s01");
    (void)press(view, "r");
    EXPECT_TRUE(has(joined(view), "sorted by age reversed\n"));
    EXPECT_EQ(first_row(view), "s00");
    (void)press(view, "SSSS");
    EXPECT_TRUE(has(joined(view), "sorted by name reversed\n"));
    EXPECT_EQ(first_row(view), "s01");
}

TEST(TopView, AsksAnewForEachGroupingAndComesRound) {
    auto view = view_of({});
    const std::vector<std::vector<inspect::group_field>> expected{
        {service, instance, process, kind},
        {address},
        {user},
        {state},
        {service, instance},
        {service, kind}};
    for (const auto& by : expected) {
        EXPECT_EQ(press(view, "g"), effect::ask_and_draw);
        EXPECT_EQ(view.question().by, by);
    }
}

TEST(TopView, KeepsAGroupingOfItsOwnInTheRound) {
    top_view view({.question = {.by = {user, address}}});
    for (int i = 0; i < 7; ++i)
        (void)press(view, "g");
    EXPECT_EQ(view.question().by, (std::vector{user, address}));
    top_view other({.question = {.by = {user}}});
    (void)press(other, "g");
    EXPECT_EQ(other.question().by, (std::vector{state}));
}

TEST(TopView, ShowsTheOldGroupingUntilTheServersAnswered) {
    auto view = view_of(services(1));
    (void)press(view, "gg");
    EXPECT_EQ(first_row(view), "s00");
    view.on_look(look_of(services(1), view.question()));
    EXPECT_TRUE(has(joined(view), "ADDRESS "));
}

TEST(TopView, FiltersByWhatWasTypedUntilEnterAndClearsWithEsc) {
    auto view = view_of({});
    EXPECT_EQ(press(view, "/web1"), effect::draw);
    EXPECT_EQ(view.on_key({key_name::erase}), effect::draw);
    EXPECT_TRUE(has(joined(view), "/web_ "));
    EXPECT_EQ(view.question().filter, "");
    EXPECT_EQ(view.on_key({key_name::enter}), effect::ask_and_draw);
    EXPECT_EQ(view.question().filter, "web");
    EXPECT_TRUE(has(joined(view), "only 'web'"));
    (void)press(view, "g");
    EXPECT_EQ(view.question().filter, "web");  // another grouping keeps it
    EXPECT_EQ(view.on_key({key_name::escape}), effect::ask_and_draw);
    EXPECT_EQ(view.question().filter, "");
    EXPECT_EQ(view.on_key({key_name::escape}), effect::draw);  // nothing to clear
}

TEST(TopView, ClearsAFilterThatIsBeingTypedWithEsc) {
    auto view = view_of({});
    (void)press(view, "/web");
    (void)view.on_key({key_name::enter});
    (void)press(view, "/x");
    EXPECT_EQ(view.on_key({key_name::escape}), effect::ask_and_draw);
    EXPECT_EQ(view.question().filter, "");
}

TEST(TopView, ErasesWholeCharactersAndBoundsTheFilter) {
    auto view = view_of({});
    (void)press(view, "/");
    (void)view.on_key({key_name::text, "é"});
    (void)view.on_key({key_name::erase});
    (void)view.on_key({key_name::erase});
    EXPECT_TRUE(has(joined(view), "/_ "));
    (void)press(view, std::string(1000, 'x'));
    (void)view.on_key({key_name::enter});
    EXPECT_EQ(view.question().filter.size(), 64U);
}

TEST(TopView, FindsAFilterInNameAddressUserAndStateInAnyCase) {
    auto one = holder_named("chat:Web-1:7:pg");
    one.state = "idle in transaction";
    for (const char* part : {"web-1", "10.0", "APP", "in tran", ""})
        EXPECT_TRUE(is_match(one, part)) << part;
    EXPECT_FALSE(is_match(one, "web-2"));
}

TEST(TopView, ScrollsAtMostToTheLastRowAndBack) {
    auto view = view_of(services(50), {.columns = 80, .lines = 16});  // 10 rows
    EXPECT_TRUE(has(joined(view), "1-10 of 50\n"));
    (void)view.on_key({key_name::up});
    EXPECT_TRUE(has(joined(view), "1-10 of 50\n"));
    (void)press(view, "jj");
    (void)view.on_key({key_name::down});
    EXPECT_EQ(first_row(view), "s03");
    (void)view.on_key({key_name::page_down});
    EXPECT_TRUE(has(joined(view), "14-23 of 50\n"));
    for (int i = 0; i < 9; ++i)
        (void)view.on_key({key_name::page_down});
    EXPECT_TRUE(has(joined(view), "41-50 of 50\n"));
    (void)press(view, "k");
    EXPECT_TRUE(has(joined(view), "40-49 of 50\n"));
    (void)view.on_key({key_name::page_up});
    EXPECT_TRUE(has(joined(view), "30-39 of 50\n"));
    (void)view.on_key({key_name::home});
    EXPECT_EQ(first_row(view), "s00");
    (void)view.on_key({key_name::end});
    EXPECT_TRUE(has(joined(view), "41-50 of 50\n"));
}

TEST(TopView, StaysWithinTheRowsWhenThereAreFewerOrTheScreenGrows) {
    auto view = view_of(services(50), {.columns = 80, .lines = 16});
    (void)view.on_key({key_name::end});
    view.on_look(look_of(services(12), view.question()));
    EXPECT_TRUE(has(joined(view), "3-12 of 12\n"));
    view.on_resize({.columns = 80, .lines = 40});
    EXPECT_TRUE(has(joined(view), "1-12 of 12\n"));
}

TEST(TopView, PausesAndGoesOn) {
    auto view = view_of({});
    EXPECT_FALSE(view.is_paused());
    (void)press(view, " ");
    EXPECT_TRUE(view.is_paused());
    EXPECT_TRUE(has(joined(view), "PAUSED\n"));
    (void)press(view, " ");
    EXPECT_FALSE(has(joined(view), "PAUSED"));
}

TEST(TopView, LooksMoreAndLessOftenWithinBounds) {
    auto view = view_of({});
    (void)press(view, "+");
    EXPECT_EQ(view.interval(), seconds(3));
    (void)press(view, "--");
    EXPECT_EQ(view.interval(), seconds(1));
    (void)press(view, "-----");
    EXPECT_EQ(view.interval(), seconds(1));
    (void)press(view, std::string(30, '='));
    EXPECT_EQ(view.interval(), seconds(600));
    EXPECT_TRUE(has(joined(view), "every 600 s"));
}

TEST(TopView, StepsFromAnIntervalThatIsNoStep) {
    top_view view({.question = {.by = {user}}, .interval = seconds(7)});
    (void)press(view, "+");
    EXPECT_EQ(view.interval(), seconds(10));
    top_view other({.question = {.by = {user}}, .interval = seconds(7)});
    (void)press(other, "-");
    EXPECT_EQ(other.interval(), seconds(5));
    top_view long_one({.question = {.by = {user}}, .interval = seconds(86400)});
    (void)press(long_one, "+");
    EXPECT_EQ(long_one.interval(), seconds(86400));
    (void)press(long_one, "-");
    EXPECT_EQ(long_one.interval(), seconds(600));
}

TEST(TopView, HelpsInPlaceOfTheTableAndLeavesWithTheSameKey) {
    auto view = view_of(services(3));
    (void)press(view, "h");
    EXPECT_TRUE(has(joined(view), "q, Ctrl-C    quit"));
    EXPECT_FALSE(has(joined(view), "s00"));
    EXPECT_EQ(press(view, "q"), effect::draw);
    EXPECT_EQ(first_row(view), "s00");
    (void)press(view, "?");
    EXPECT_EQ(view.on_key({key_name::escape}), effect::draw);
    EXPECT_EQ(first_row(view), "s00");
}

TEST(TopView, ScrollsTheHelpWhereItDoesNotFit) {
    auto view = view_of({}, screen_size_min);
    (void)press(view, "h");
    EXPECT_FALSE(has(joined(view), "Columns go"));
    (void)view.on_key({key_name::end});
    EXPECT_TRUE(has(joined(view), "Columns go where there is no room."));
}

TEST(TopView, ShowsAServerThatWentAwayAsALineAndGoesOn) {
    auto view = view_of(services(1));
    auto look = look_of(services(1), view.question());
    look.servers.erase(look.servers.begin());
    look.holders.has_redis = false;
    look.holders.findings.push_back({level::unknown, "Redis at 10.0.0.5:6379 did not tell", {}});
    view.on_look(std::move(look));
    const auto text = joined(view);
    EXPECT_TRUE(has(text, "unknown: Redis at 10.0.0.5:6379 did not tell\n")) << text;
    EXPECT_FALSE(has(text, "REDIS")) << text;
    EXPECT_EQ(first_row(view), "s00");
    view.on_look(look_of(services(1), view.question()));
    EXPECT_FALSE(has(joined(view), "did not tell"));
}

TEST(TopView, SaysWhatIsNotKnownOfAServer) {
    const auto lines = use_lines(
        {{.name = "Redis", .in_use = 7}, {.name = "Postgres", .usable = 97, .remark = "at db1"}},
        {.width = 80});
    EXPECT_EQ(lines, (std::vector<std::string>{"Redis     7 of ? ", "Postgres  ? of 97  at db1"}));
}

TEST(TopView, SaysThatItIsAskingAndThatThereIsNothing) {
    top_view view({.question = {.by = {user}}});
    EXPECT_TRUE(has(joined(view), "Asking the servers ...\n"));
    EXPECT_FALSE(has(joined(view), "no connections"));
    view.on_look(look_of({}, view.question()));
    EXPECT_TRUE(has(joined(view), "no connections\n"));
}

TEST(TopView, SaysThatTheScreenIsTooSmall) {
    EXPECT_EQ(joined(view_of({}, {.columns = 39, .lines = 10})),
              "headroom top needs 40 x 10, this is 39\nx 10\n");
    EXPECT_EQ(joined(view_of({}, {.columns = 200, .lines = 9})),
              "headroom top needs 40 x 10, this is 200 x 9\n");
    EXPECT_EQ(view_of({}, {.columns = 1, .lines = 1}).frame().size(), 1U);
}

void press_something(top_view& view, std::mt19937& chance) {
    const std::string_view characters = "sSrg/ +-h?jkx\"";
    if (chance() % 3 == 0) {
        (void)view.on_key({static_cast<key_name>(chance() % 11), "w"});
    } else {
        (void)view.on_key({key_name::text, std::string(1, characters[chance() % 14])});
    }
}

TEST(TopView, FillsAnyScreenAndNeverOverflowsIt) {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937 chance(seed);
        top_view view({.question = {.by = {service, kind}}, .is_coloured = seed % 2 == 0});
        for (int step = 0; step < 30; ++step) {
            const screen_size size{.columns = 1 + chance() % 140, .lines = 1 + chance() % 50};
            if (chance() % 4 == 0) {
                auto look = look_of(some_holders(chance, chance() % 60), view.question());
                for (auto i = chance() % 4; i > 0; --i)
                    look.holders.findings.push_back({level::unknown, std::string(99, 'w'), {}});
                if (chance() % 4 == 0) look.servers.clear();
                view.on_look(std::move(look));
            }
            press_something(view, chance);
            view.on_resize(size);
            const auto lines = view.frame();
            EXPECT_LE(lines.size(), size.lines) << "seed " << seed;
            if (size.columns >= 40 && size.lines >= 10) EXPECT_EQ(lines.size(), size.lines);
            for (const auto& line : lines) {
                EXPECT_LE(painted_columns_of(line), size.columns) << "seed " << seed << line;
                EXPECT_EQ(line.find('\n'), std::string::npos) << "seed " << seed;
                EXPECT_TRUE(is_utf8(line)) << "seed " << seed;
            }
        }
    }
}

}  // namespace
}  // namespace headroom::tool
