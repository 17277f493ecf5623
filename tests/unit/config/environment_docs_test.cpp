// SPDX-License-Identifier: Apache-2.0
// docs/environment.md says what the table says.
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "config/variable_table.hpp"

namespace headroom::config {
namespace {

TEST(EnvironmentDocs, AreWrittenFromTheTable) {
    const std::string path = std::string(HEADROOM_SOURCE_DIR) + "/docs/environment.md";
    if (std::getenv("HEADROOM_WRITE_DOCS") != nullptr) {
        std::ofstream(path, std::ios::binary) << environment_markdown();
    }
    std::stringstream written;
    written << std::ifstream(path, std::ios::binary).rdbuf();
    EXPECT_EQ(written.str(), environment_markdown())
        << "renew it: HEADROOM_WRITE_DOCS=1 unit_config --gtest_filter='EnvironmentDocs.*'";
}

TEST(EnvironmentDocs, NameEachVariableOnce) {
    std::set<std::string_view> seen;
    for (const auto rows : {variables(), internal_variables()}) {
        for (const variable& row : rows) {
            EXPECT_TRUE(seen.insert(row.name).second) << row.name;
            EXPECT_FALSE(row.meaning.empty()) << row.name;
            EXPECT_FALSE(row.default_text.empty()) << row.name;
        }
    }
}

}  // namespace
}  // namespace headroom::config
