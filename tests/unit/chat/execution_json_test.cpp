// SPDX-License-Identifier: Apache-2.0
// The pipe between a worker and chat-executor: what is spelled is read as it was, and nothing else
// is read at all.
#include "chat/executor/execution_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace json = boost::json;

constexpr std::string_view password = "not-to-be-seen";

execution_order order_of_everything() {
    return {.what = {.execution_id = "e-1_A",
                     .program = {.language = "bash", .source = "echo \"\xC3\xA4\"\n"},
                     .environment = {{"A", ""}, {"B", "b\nc=d"}},
                     .limits = {.memory_bytes = 1ULL << 33, .events = 0},
                     .may_run_unsandboxed = true},
            .comm = comm_spec{.server = {.host = "redis.example",
                                         .port = 6380,
                                         .unix_path = {},
                                         .username = "u",
                                         .password = std::string(password),
                                         .database = 3},
                              .name_prefix = "chat",
                              .execution_id = "e-1_A",
                              .whose = {.tenant = "home", .project = "default"},
                              .session_id = "0123456789abcdef0123456789abcdef",
                              .conversation_id = "0c0ffee0-0000-4000-8000-000000000000",
                              .turn_id = "0c0ffee0-0000-4000-8000-000000000001"}};
}

execution_order order_of_arguments() {
    auto order = order_of_everything();
    order.what.program = {.arguments = {"/usr/bin/true", "", "a b"}};
    order.comm.reset();
    return order;
}

// The line of an order after a change of its JSON.
std::string changed(const std::function<void(json::object&)>& change) {
    auto line = json::parse(to_line(order_of_arguments())).get_object();
    change(line);
    return json::serialize(line);
}

json::object& execution_in(json::object& line) {
    return line.at("execution").as_object();
}

std::string refusal(std::string_view line) {
    const auto order = parse_order(line);
    return order ? "accepted" : order.error().detail;
}

TEST(ExecutionOrder, IsReadAsItWasSpelled) {
    const auto order = order_of_everything();
    const auto read = parse_order(to_line(order));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(to_line(*read), to_line(order));
    EXPECT_EQ(read->what.program.source, order.what.program.source);
    EXPECT_EQ(read->what.environment, order.what.environment);
    EXPECT_EQ(read->what.limits.memory_bytes, 1ULL << 33);
    EXPECT_EQ(read->what.limits.events, 0U);
    EXPECT_TRUE(read->what.may_run_unsandboxed);
    ASSERT_TRUE(read->comm);
    EXPECT_EQ(read->comm->server.password, password);
}

TEST(ExecutionOrder, CarriesArgumentsInsteadOfSource) {
    const auto read = parse_order(to_line(order_of_arguments()));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->what.program.arguments, (std::vector<std::string>{"/usr/bin/true", "", "a b"}));
    EXPECT_FALSE(read->comm);
}

TEST(ExecutionOrder, IsOneLineWhateverItHolds) {
    EXPECT_THAT(to_line(order_of_everything()), Not(HasSubstr("\n")));
}

TEST(ExecutionOrder, IsRefusedWithTheNameOfTheMemberThatIsWrong) {
    const auto execution = [](std::string_view name, json::value value) {
        return changed([&](json::object& line) { execution_in(line)[name] = value; });
    };
    const auto limit = [](std::string_view name, json::value value) {
        return changed(
            [&](json::object& line) { execution_in(line).at("limits").as_object()[name] = value; });
    };
    const std::string begin = "the order is refused: execution.";
    EXPECT_EQ(refusal(execution("execution_id", "a/b")),
              begin + "execution_id must have letters, digits, '_' and '-' only");
    EXPECT_EQ(refusal(execution("execution_id", json::string(41, 'a'))),
              begin + "execution_id must have at most 40 bytes");
    EXPECT_EQ(refusal(execution("is_in_container", 1)),
              begin + "is_in_container must be true or false");
    EXPECT_EQ(refusal(execution("program", json::array{})), begin + "program must be an object");
    EXPECT_EQ(refusal(execution("program", json::object{})),
              begin + "program.arguments is missing");
    EXPECT_EQ(refusal(execution("program", json::object{{"arguments", json::array{}}})),
              begin + "program.arguments must name a program");
    EXPECT_EQ(refusal(execution("program", json::object{{"arguments", json::array({"a", 1})}})),
              begin + "program.arguments[1] must be text");
    EXPECT_EQ(refusal(execution("program", json::object{{"language", "bash"}, {"source", "\n"}})),
              "accepted");
    EXPECT_EQ(refusal(execution("program", json::object{{"language", "bash"},
                                                        {"source", json::string(1, '\0')}})),
              begin + "program.source must not contain a NUL");
    EXPECT_EQ(refusal(execution("program", json::object{{"language", "bash"},
                                                        {"source", ""},
                                                        {"arguments", json::array({"a"})}})),
              begin + "program.arguments is no member that is known");
    EXPECT_EQ(refusal(execution("environment", json::object{{"A=B", "c"}})),
              begin + "environment has a variable without a proper name");
    EXPECT_EQ(refusal(execution("environment", json::object{{"A", 1}})),
              begin + "environment.A must be text");
    EXPECT_EQ(refusal(limit("processes", 0)),
              begin + "limits.processes must be a whole number from 1 to 1000000");
    EXPECT_EQ(refusal(limit("wall_time_ms", -1)),
              begin + "limits.wall_time_ms must be a whole number from 1 to 86400000");
    EXPECT_EQ(refusal(limit("wall_time_ms", 1.5)),
              begin + "limits.wall_time_ms must be a whole number from 1 to 86400000");
    EXPECT_EQ(refusal(limit("surprise", 1)), begin + "limits.surprise is no member that is known");
    EXPECT_EQ(refusal(changed([](json::object& line) { line.erase("execution"); })),
              "the order is refused: execution is missing");
    EXPECT_EQ(refusal(changed([](json::object& line) { line["comm"] = 1; })),
              "the order is refused: comm must be an object");
}

TEST(ExecutionOrder, ShowsNoValueOfWhatItRefuses) {
    auto line = json::parse(to_line(order_of_everything())).get_object();
    const auto walk = [&](const auto& self, json::value& at) -> void {
        if (at.is_object()) {
            for (auto& member : at.get_object())
                self(self, member.value());
            return;
        }
        const json::value kept = at;
        at = json::array{password};
        const std::string why = refusal(json::serialize(line));
        EXPECT_NE(why, "accepted");
        EXPECT_THAT(why, Not(HasSubstr(password)));
        at = kept;
    };
    for (auto& member : line)
        walk(walk, member.value());
    EXPECT_EQ(refusal(json::serialize(line)), "accepted");
}

TEST(ExecutionOrder, IsRefusedWhenItIsTooLongOrTooDeepOrNoText) {
    EXPECT_EQ(refusal(std::string(request_bytes_max + 1, ' ')),
              "the order is longer than 2097152 bytes");
    EXPECT_EQ(refusal("\xFF"), "the order is not UTF-8");
    EXPECT_EQ(refusal(std::string(100'000, '[')), "the order is nested deeper than 8 levels");
    EXPECT_EQ(refusal("7"), "the order must be a JSON object");
    EXPECT_THAT(refusal(""), HasSubstr("the order is no valid JSON"));
}

TEST(ExecutionOrder, NeverThrowsAndShowsNoSecretWhateverBytesCome) {
    const std::string good = to_line(order_of_everything());
    EXPECT_TRUE(rc::check([&] {
        std::string line = good;
        for (int change = *rc::gen::inRange(1, 4); change > 0; --change)
            line[*rc::gen::inRange<std::size_t>(0, line.size())] = *rc::gen::arbitrary<char>();
        line.resize(*rc::gen::inRange<std::size_t>(line.size() / 2, line.size() + 1));
        const std::string why = refusal(line);
        RC_ASSERT(!why.contains(password));
        RC_ASSERT(is_utf8(why));
    }));
}

template <class Report>
Report read_back(const Report& report) {
    const std::string line = to_line(execution_report(report));
    EXPECT_LE(line.size(), report_bytes_max);
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    const auto read = parse_report(line);
    EXPECT_TRUE(read) << read.error().detail;
    if (!read || !std::holds_alternative<Report>(*read)) return {};
    return std::get<Report>(*read);
}

TEST(ExecutionReport, OfTheStartIsReadAsItWasSpelled) {
    const isolation walls{.by = "bubblewrap",
                          .network = false,
                          .system_read_only = true,
                          .private_tmp = true,
                          .own_pids = true,
                          .own_user = true,
                          .syscall_filter = true,
                          .without = "a \"reason\""};
    EXPECT_EQ(read_back(started_report{walls}).walls, walls);
}

TEST(ExecutionReport, OfOutputFitsWhateverTheTextIs) {
    const output_report worst{.from = output_channel::standard_error,
                              .text = std::string(32 * 1024, '\x01') + std::string(1, '\0')};
    const auto read = read_back(worst);
    EXPECT_EQ(read.from, output_channel::standard_error);
    EXPECT_EQ(read.text, worst.text);
}

TEST(ExecutionReport, OfTheEndIsReadAsItWasSpelled) {
    EXPECT_TRUE(rc::check([] {
        ended_report how;
        switch (*rc::gen::inRange(0, 3)) {
            case 0:
                how.exit_code = *rc::gen::inRange(0, 256);
                break;
            case 1:
                how.signal = *rc::gen::inRange(1, 65);
                break;
            default:
                how.start_error = "there is no \"x\"\n";
        }
        if (*rc::gen::arbitrary<bool>())
            how.stopped = *rc::gen::element(execution_stop::wall_time, execution_stop::memory,
                                            execution_stop::orphaned);
        how.output_truncated = *rc::gen::arbitrary<bool>();
        how.error_bytes = *rc::gen::arbitrary<std::uint64_t>();
        how.wall_time = std::chrono::milliseconds(*rc::gen::inRange(0, 1'000'000));
        how.memory_bytes = *rc::gen::arbitrary<std::uint64_t>();
        how.events = {.accepted = 1,
                      .delivered = 2,
                      .invalid = 3,
                      .rate_limited = 4,
                      .dropped = 5,
                      .undelivered = *rc::gen::arbitrary<std::uint64_t>()};
        how.files = {{.name = "a/b", .bytes = 7}, {.name = "\xC3\xA4\n", .bytes = 0}};
        how.files_not_listed = 9;
        const auto read = read_back(how);
        RC_ASSERT(read.exit_code == how.exit_code);
        RC_ASSERT(read.signal == how.signal);
        RC_ASSERT(read.start_error == how.start_error);
        RC_ASSERT(read.stopped == how.stopped);
        RC_ASSERT(read.events == how.events);
        RC_ASSERT(read.files == how.files);
        RC_ASSERT(to_line(execution_report(read)) == to_line(execution_report(how)));
    }));
}

TEST(ExecutionReport, OfTheEndListsAsManyFilesAsFit) {
    ended_report how{.exit_code = 0};
    for (int file = 0; file < 900; ++file)
        how.files.push_back({.name = std::string(1'000, '\x01'), .bytes = 1});
    const auto read = read_back(how);
    EXPECT_GT(read.files.size(), 20U);
    EXPECT_EQ(read.files.size() + read.files_not_listed, 900U);
}

TEST(ExecutionReport, NamesFilesInTextWhateverTheirBytes) {
    const ended_report how{.exit_code = 0, .files = {{.name = "a\xFF", .bytes = 1}}};
    EXPECT_EQ(read_back(how).files.at(0).name, "a\xEF\xBF\xBD");
}

TEST(ExecutionReport, OfTheEndIsRefusedUnlessItEndedInExactlyOneWay) {
    const auto refused = [](const ended_report& how) {
        const auto read = parse_report(to_line(execution_report(how)));
        return read ? "accepted" : read.error().detail;
    };
    const std::string why =
        "the report is refused: exactly one of exit_code, signal and start_error must be there";
    EXPECT_EQ(refused({}), why);
    EXPECT_EQ(refused({.exit_code = 0, .signal = 9}), why);
    EXPECT_EQ(refused({.exit_code = 0, .start_error = "x"}), why);
    EXPECT_EQ(refused({.signal = 9}), "accepted");
}

TEST(ExecutionReport, IsRefusedWhateverElseComes) {
    const auto refused = [](std::string_view line) {
        const auto read = parse_report(line);
        return read ? "accepted" : read.error().detail;
    };
    EXPECT_EQ(refused("{}"), "the report is refused: report is missing");
    EXPECT_EQ(refused(R"({"report":"x"})"),
              "the report is refused: report must be started, output or ended");
    EXPECT_EQ(refused(R"({"report":"output","from":"tty","text":""})"),
              "the report is refused: from must be stdout or stderr");
    EXPECT_EQ(refused(R"({"report":"output","from":"stdout","text":1})"),
              "the report is refused: text must be text");
    EXPECT_EQ(refused(std::string(report_bytes_max + 1, 'x')),
              "the report is longer than 262144 bytes");
}

}  // namespace
}  // namespace headroom::chat
