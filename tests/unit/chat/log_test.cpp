// SPDX-License-Identifier: Apache-2.0
// One line of the log is one JSON object, whatever text it is given.
#include "chat/log.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace headroom::chat {
namespace {

TEST(Log, WritesEveryKindOfFieldAsJson) {
    EXPECT_EQ(format_log_line("T", severity::warning, "supervisor", 7, "ready",
                              {{"workers", 3}, {"all", true}, {"seconds", 1.5}, {"why", "x"}}),
              R"({"time":"T","level":"warning","process":"supervisor","pid":7,"message":"ready",)"
              R"("workers":3,"all":true,"seconds":1.5,"why":"x"})"
              "\n");
}

TEST(Log, StaysOneLineOfJsonForAnyText) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte)
        bytes.push_back(static_cast<char>(byte));
    const std::string line =
        format_log_line("T", severity::info, "worker", 7, bytes, {{bytes, bytes}});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_TRUE(boost::json::parse(line).is_object());
}

TEST(Log, CutsLongText) {
    const std::string line =
        format_log_line("T", severity::info, "worker", 7, std::string(100'000, 'x'), {});
    EXPECT_LT(line.size(), 2000U);
}

}  // namespace
}  // namespace headroom::chat
