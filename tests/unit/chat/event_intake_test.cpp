// SPDX-License-Identifier: Apache-2.0
// What becomes of the lines a program writes to its events: good, bad, too long, too many.
#include "chat/executor/event_intake.hpp"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
namespace json = boost::json;

constexpr clock::time_point start{};

event_intake intake_of(execution_limits within = {}) {
    return {within, {.session_id = "s", .conversation_id = "c", .turn_id = "t"}, start};
}

json::object data_of(const intake_event& event) {
    return json::parse(event.what.data).get_object();
}

std::string field(const intake_event& event, std::string_view name) {
    const auto data = data_of(event);
    const auto* value = data.if_contains(name);
    return value != nullptr ? std::string(value->as_string()) : std::string("(absent)");
}

std::string step_line(std::string_view name) {
    return R"({"type":"step","name":")" + std::string(name) + "\"}\n";
}

std::string refusal(std::string_view line) {
    const auto event = parse_event_line(line);
    return event ? "accepted" : event.error().detail;
}

TEST(EventLine, ReadsAStepWithAllItsMembers) {
    const auto event = parse_event_line(
        R"({"type":"step","name":"load","status":"running","text":"a\nb","data":{"rows":3}})");
    ASSERT_TRUE(event) << event.error().detail;
    const auto& read = std::get<step>(*event);
    EXPECT_EQ(read.name, "load");
    EXPECT_EQ(read.status, step_status::running);
    EXPECT_EQ(read.text, "a\nb");
    EXPECT_EQ(read.data.at("rows"), 3);
}

TEST(EventLine, TakesAStepForCompletedWhenItSaysNoStatus) {
    const auto event = parse_event_line(R"({"type":"step","name":"load"})");
    ASSERT_TRUE(event) << event.error().detail;
    EXPECT_EQ(std::get<step>(*event).status, step_status::completed);
}

TEST(EventLine, ReadsANote) {
    const auto event = parse_event_line(R"({"type":"service","name":"rows","data":{"n":[1,2]}})");
    ASSERT_TRUE(event) << event.error().detail;
    EXPECT_EQ(std::get<service_note>(*event).name, "rows");
}

TEST(EventLine, SaysWhatIsWrong) {
    EXPECT_THAT(refusal("hello"), HasSubstr("it is no valid JSON"));
    EXPECT_EQ(refusal("[1]"), "it must be a JSON object");
    EXPECT_EQ(refusal("{}"), "type is missing");
    EXPECT_EQ(refusal(R"({"type":"chat"})"), "type must be step or service");
    EXPECT_EQ(refusal(R"({"type":"step"})"), "name is missing");
    EXPECT_EQ(refusal(R"({"type":"step","name":""})"), "name must not be empty");
    EXPECT_EQ(refusal(R"({"type":"step","name":7})"), "name must be text");
    EXPECT_EQ(refusal(R"({"type":"step","name":"a\nb"})"),
              "name must not contain control characters");
    EXPECT_EQ(refusal(R"({"type":"step","name":"a","text":"\u0000"})"),
              "text must not contain a NUL");
    EXPECT_EQ(refusal(R"({"type":"step","name":"a","status":"done"})"),
              "status must be running, completed or error");
    EXPECT_EQ(refusal(R"({"type":"step","name":"a","data":[1]})"), "data must be an object");
    EXPECT_EQ(refusal(R"({"type":"step","name":"a","colour":"red"})"),
              "colour is no member that is known");
    EXPECT_EQ(refusal(R"({"type":"service","name":"a","text":"b"})"),
              "text is no member that is known");
    EXPECT_EQ(refusal("{\"type\":\"step\",\"name\":\"\xFF\"}"), "it is not UTF-8");
    EXPECT_EQ(
        refusal(
            R"({"type":"step","name":"a","data":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}})"),
        "it is nested deeper than 8 levels");
}

TEST(EventLine, HasAtMost16Kibibytes) {
    const std::string head = R"({"type":"step","name":"a","text":")";
    const std::string fits =
        head + std::string(event_line_bytes_max - head.size() - 2, 'x') + "\"}";
    EXPECT_EQ(refusal(fits), "accepted");
    EXPECT_EQ(refusal(fits + " "), "it is longer than 16384 bytes");
}

TEST(EventLine, NeverThrowsAndMakesTextOfWhateverItAccepts) {
    const std::string good =
        R"({"type":"step","name":"a","status":"error","text":"\u00e4","data":{"a":[1e9,null]}})";
    EXPECT_TRUE(rc::check([&] {
        std::string line = good;
        for (int change = *rc::gen::inRange(0, 4); change > 0; --change)
            line[*rc::gen::inRange<std::size_t>(0, line.size())] = *rc::gen::arbitrary<char>();
        const auto event = parse_event_line(line);
        if (!event) {
            RC_ASSERT(is_utf8(event.error().detail));
            return;
        }
        const auto out =
            std::visit([](const auto& one) { return to_event(one, event_scope{}); }, *event);
        RC_ASSERT(is_utf8(out.data));
        RC_ASSERT(!out.data.contains('\n'));
    }));
}

TEST(EventIntake, GivesTheSameEventsInAnySplitOfTheBytes) {
    std::string bytes = step_line("one") + "\n  \r\nnonsense\n" + step_line("two") +
                        std::string(event_line_bytes_max + 1, 'x') + "\n" + step_line("three");
    bytes.pop_back();  // the last line has no end
    EXPECT_TRUE(rc::check([&] {
        auto intake = intake_of();
        std::vector<std::string> names;
        const auto note = [&](const std::vector<intake_event>& events) {
            for (const auto& each : events)
                names.push_back(field(each, "name") + "|" + field(each, "text"));
        };
        std::string_view rest = bytes;
        while (!rest.empty()) {
            const auto size = std::min(*rc::gen::inRange<std::size_t>(1, 4000), rest.size());
            note(intake.push(rest.substr(0, size), start));
            rest.remove_prefix(size);
        }
        note(intake.finish(start));
        RC_ASSERT(names.size() == 5U);
        RC_ASSERT(names[0] == "one|(absent)");
        RC_ASSERT(
            names[1].starts_with("Event not understood|Line 4 of the events: it is no valid JSON"));
        RC_ASSERT(names[2] == "two|(absent)");
        RC_ASSERT(names[3] ==
                  "Event not understood|Line 6 of the events: it is longer than 16384 bytes.");
        RC_ASSERT(names[4] == "three|(absent)");
        RC_ASSERT(intake.invalid() == 2U);
    }));
}

TEST(EventIntake, TellsFiveBadLinesAndCountsTheRest) {
    auto intake = intake_of();
    std::string bytes;
    for (int line = 0; line < 20; ++line)
        bytes += "nonsense\n";
    const auto told = intake.push(bytes + step_line("good"), start);
    ASSERT_EQ(told.size(), 6U);
    EXPECT_EQ(field(told[0], "name"), "Event not understood");
    EXPECT_EQ(field(told[0], "status"), "error");
    EXPECT_THAT(field(told[4], "text"), HasSubstr("Further ones are counted, but not told."));
    EXPECT_TRUE(told[4].is_notice);
    EXPECT_FALSE(told[5].is_notice);
    EXPECT_EQ(intake.invalid(), 20U);
}

TEST(EventIntake, TellsOnceThatEventsCameTooFast) {
    auto intake = intake_of({.events_per_second = 5});
    std::string bytes;
    for (int line = 0; line < 30; ++line)
        bytes += step_line("s");
    auto taken = intake.push(bytes, start);
    ASSERT_EQ(taken.size(), 11U);  // twice the rate, and one notice
    EXPECT_EQ(field(taken[10], "name"), "Too many events at once");
    EXPECT_EQ(intake.rate_limited(), 20U);
    taken = intake.push(bytes, start + seconds(1));
    EXPECT_EQ(taken.size(), 5U);
    EXPECT_EQ(intake.rate_limited(), 45U);
}

TEST(EventIntake, TellsOnceThatThereWereTooMany) {
    auto intake = intake_of({.events = 3});
    std::string bytes;
    for (int line = 0; line < 10; ++line)
        bytes += step_line("s");
    const auto taken = intake.push(bytes, start);
    ASSERT_EQ(taken.size(), 4U);
    EXPECT_EQ(field(taken[3], "text"), "More than 3 events were emitted; the rest is left out.");
    EXPECT_EQ(intake.rate_limited(), 7U);
}

TEST(EventIntake, HoldsNoMoreThanALineOfAnEndlessOne) {
    auto intake = intake_of();
    const std::string piece(64 * 1024, 'x');
    for (int more = 0; more < 100; ++more)
        EXPECT_TRUE(intake.push(piece, start).empty());
    const auto told = intake.finish(start);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_THAT(field(told[0], "text"), HasSubstr("longer than 16384 bytes"));
}

TEST(EventIntake, SaysWhoseTurnAnEventBelongsTo) {
    auto intake = intake_of();
    const auto taken = intake.push(step_line("s"), start);
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].what.name, "chat_step");
    EXPECT_EQ(field(taken[0], "session_id"), "s");
    EXPECT_EQ(field(taken[0], "conversation_id"), "c");
    EXPECT_EQ(field(taken[0], "turn_id"), "t");
}

}  // namespace
}  // namespace headroom::chat
