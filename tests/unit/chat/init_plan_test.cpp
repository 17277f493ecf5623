// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/init_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace headroom::chat {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

init_plan plan() {
    init_plan made;
    made.filter = "12345678";
    made.arguments = {"ls", ""};
    made.variables = {"A=1"};
    return made;
}

TEST(InitPlan, IsAHeaderAFilterAndWordsEndedByNul) {
    const auto bytes = to_bytes(plan());
    ASSERT_TRUE(bytes.has_value());
    init_header header;
    std::memcpy(&header, bytes->data(), sizeof header);
    EXPECT_EQ(header.magic, init_magic);
    EXPECT_EQ(header.plan_bytes, bytes->size());
    EXPECT_EQ(header.filter_bytes, 8U);
    EXPECT_EQ(header.arguments, 2U);
    EXPECT_EQ(header.variables, 1U);
    EXPECT_EQ(bytes->substr(sizeof header), std::string("12345678ls\0\0A=1\0", 16));
}

TEST(InitPlan, IsRefusedWhenItIsMoreThanInitTakes) {
    auto nothing = plan();
    nothing.arguments.clear();
    EXPECT_EQ(to_bytes(nothing), std::nullopt);
    auto many = plan();
    many.arguments.assign(init_arguments_max + 1, "x");
    EXPECT_EQ(to_bytes(many), std::nullopt);
    auto large = plan();
    large.variables[0].assign(init_plan_bytes_max, 'x');
    EXPECT_EQ(to_bytes(large), std::nullopt);
}

TEST(InitPlan, LetsTheWatchBeFirstToSeeALimit) {
    const execution_limits within{.cpu_time = std::chrono::milliseconds(1'500),
                                  .memory_bytes = 1000,
                                  .processes = 5,
                                  .open_files = 9,
                                  .file_bytes = 7};
    init_header header;
    set_limits(header, within, 100);
    EXPECT_EQ(header.cpu_seconds, 3U) << "whole seconds, after the watch";
    EXPECT_GT(header.processes, 105U) << "those beside it come on top";
    EXPECT_EQ(header.data_bytes, 2000U);
    EXPECT_EQ(header.open_files, 9U);
    EXPECT_EQ(header.file_bytes, 7U);
}

std::string_view bytes_of(const init_report& report) {
    return {reinterpret_cast<const char*>(&report), sizeof report};
}

TEST(InitReport, IsReadWholeOrNotAtAll) {
    const init_report report{.said = init_said::ended, .value = 256, .cpu_microseconds = 5};
    const auto read = parse_init_report(bytes_of(report));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->value, 256);
    EXPECT_EQ(read->cpu_microseconds, 5U);
    EXPECT_FALSE(parse_init_report(bytes_of(report).substr(1)).has_value());
    init_report foreign = report;
    foreign.magic = 0;
    EXPECT_FALSE(parse_init_report(bytes_of(foreign)).has_value());
}

TEST(FailedStart, NamesTheProgramAndTheReason) {
    const auto told = [](int number) {
        return describe_failed_start({.said = init_said::not_executed, .value = number}, "/x",
                                     true);
    };
    EXPECT_THAT(told(ENOENT), HasSubstr("/x is not there, where only programs below /usr are"));
    EXPECT_THAT(told(EACCES), HasSubstr("/x may not be executed"));
    EXPECT_THAT(told(ENOEXEC), HasSubstr("/x cannot be executed: Exec format error"));
    EXPECT_THAT(
        describe_failed_start({.said = init_said::not_executed, .value = ENOENT}, "/x", false),
        Not(HasSubstr("/usr")));
}

TEST(FailedStart, NamesTheStepBeforeTheProgram) {
    const init_report report{
        .said = init_said::not_prepared, .value = EPERM, .step = init_step::limits};
    EXPECT_THAT(describe_failed_start(report, "/x", true),
                HasSubstr("chat-executor-init failed at setting the limits"));
}

}  // namespace
}  // namespace headroom::chat
