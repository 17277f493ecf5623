// SPDX-License-Identifier: Apache-2.0
#include "headroom/holders/holders_report.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "holders.hpp"

namespace headroom::tool {
namespace {

using enum inspect::group_field;
using inspect::holder;
using inspect::seconds;
using inspect::server_kind;

std::string header_of(const holders_report& report, std::size_t width,
                      holder_order keep = holder_order::connections) {
    const auto text = holders_table(report, report.groups.sorted(), {.width = width}, keep);
    return text.substr(0, text.find('\n'));
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(HoldersTable, LeavesOutWhatHasNoRoomAndTheLastCommandFirst) {
    auto one = holder_named("chat:a-host-of-mine:4711:async_decode");
    one.output_bytes = 1;
    one.idle_in_transaction_for = seconds(1);
    one.last_command = "get";
    const auto report = report_of({one}, {service, instance, process, kind});
    EXPECT_TRUE(header_of(report, 100).ends_with("REDIS  PG  AGE  IDLE  IN TX  OUTBUF  LAST"));
    EXPECT_TRUE(header_of(report, 75).ends_with("REDIS  PG  AGE  IDLE  IN TX  OUTBUF"));
    EXPECT_TRUE(header_of(report, 66).ends_with("REDIS  PG  AGE  IDLE  IN TX"));
    EXPECT_TRUE(header_of(report, 40).ends_with("REDIS  PG"));
}

TEST(HoldersTable, KeepsTheColumnThatItIsSortedByAlsoWhereItIsEmpty) {
    const auto report =
        report_of({holder_named("chat:a-host-of-mine:4711:async_decode")}, {service, kind});
    EXPECT_FALSE(has(header_of(report, 80), "OUTBUF"));
    EXPECT_TRUE(has(header_of(report, 80, holder_order::output_buffer), "OUTBUF"));
    EXPECT_FALSE(has(header_of(report, 80), "IN TX"));
    EXPECT_TRUE(has(header_of(report, 80, holder_order::in_transaction), "IN TX"));
    EXPECT_TRUE(header_of(report, 40, holder_order::output_buffer).ends_with("OUTBUF"));
}

TEST(HoldersTable, FitsEightyColumnsWhateverItIsGroupedBy) {
    const std::vector<std::vector<inspect::group_field>> groupings{
        {service, kind},       {service, instance, process, kind}, {address}, {user}, {state},
        {address, user, state}};
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 chance(seed);
        const auto report = report_of(some_holders(chance, chance() % 40), groupings[seed % 6]);
        const auto sorts = static_cast<holder_order>(chance() % 8);
        const auto groups = report.groups.sorted();
        std::istringstream lines(holders_table(report, groups, {.width = 80}, sorts));
        for (std::string line; std::getline(lines, line);)
            EXPECT_LE(columns_of(line), 80U) << "seed " << seed << ": " << line;
    }
}

}  // namespace
}  // namespace headroom::tool
