// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/report_sequence.hpp"

#include <gtest/gtest.h>

namespace headroom::chat {
namespace {

ended_report exit_of(int code) {
    ended_report end;
    end.exit_code = code;
    return end;
}

TEST(ReportSequence, TakesStartOutputAndEnd) {
    report_sequence reports(execution_limits{});
    EXPECT_EQ(reports.on_report(started_report{}), "");
    EXPECT_TRUE(reports.is_started());
    EXPECT_EQ(reports.on_report(output_report{.text = "hello"}), "");
    EXPECT_FALSE(reports.is_ended());
    EXPECT_EQ(reports.on_report(exit_of(0)), "");
    EXPECT_TRUE(reports.is_ended());
}

TEST(ReportSequence, TakesTheEndOfWhatWasNeverRunWithoutAStart) {
    report_sequence reports(execution_limits{});
    ended_report end;
    end.start_error = "python3 is not installed";
    EXPECT_EQ(reports.on_report(end), "");
}

TEST(ReportSequence, RefusesReportsThatCannotFollow) {
    report_sequence reports(execution_limits{});
    EXPECT_EQ(reports.on_report(output_report{.text = "x"}), "it reported output before its start");
    EXPECT_EQ(reports.on_report(exit_of(0)),
              "it reported the end of a program whose start it did not report");
    EXPECT_EQ(reports.on_report(started_report{}), "");
    EXPECT_EQ(reports.on_report(started_report{}), "it reported its start twice");
    EXPECT_EQ(reports.on_report(exit_of(0)), "");
    EXPECT_EQ(reports.on_report(output_report{.text = "x"}), "it reported more after its end");
}

TEST(ReportSequence, RefusesAnEndThatNamesNoWayOrTwo) {
    report_sequence reports(execution_limits{});
    (void)reports.on_report(started_report{});
    EXPECT_EQ(reports.on_report(ended_report{}),
              "its report of the end names 0 ways to end instead of one");
    auto both = exit_of(0);
    both.signal = 9;
    EXPECT_EQ(reports.on_report(both), "its report of the end names 2 ways to end instead of one");
}

TEST(ReportSequence, BoundsTheOutputOfBothChannelsAtTheLongestItCanBecome) {
    report_sequence reports(execution_limits{.output_bytes = 10});
    (void)reports.on_report(started_report{});
    EXPECT_EQ(reports.on_report(output_report{.text = std::string(60, 'x')}), "");
    EXPECT_EQ(reports.on_report(output_report{.text = "x"}),
              "it reported more output than was allowed");
}

TEST(ReportSequence, TakesAnyOutputUnderABoundThatWouldWrap) {
    report_sequence reports(execution_limits{.output_bytes = UINT64_MAX});
    (void)reports.on_report(started_report{});
    EXPECT_EQ(reports.on_report(output_report{.text = std::string(1000, 'x')}), "");
}

}  // namespace
}  // namespace headroom::chat
