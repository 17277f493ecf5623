// SPDX-License-Identifier: Apache-2.0
// The sources of a real process: which files may be a gateway document.
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace headroom::config {
namespace {

TEST(ProcessSources, ReadARegularFileOnly) {
    const sources own = process_sources();
    const auto page = own.read_file(std::string(HEADROOM_SOURCE_DIR) + "/docs/environment.md");
    ASSERT_TRUE(page) << page.error().what();
    EXPECT_NE(page->find("REDIS_MAX_CONNECTIONS"), std::string::npos);

    EXPECT_EQ(own.read_file("/dev/zero").error().code, std::errc::invalid_argument);
    EXPECT_EQ(own.read_file("/").error().code, std::errc::invalid_argument);
    EXPECT_EQ(own.read_file("/no/such/file").error().code, std::errc::no_such_file_or_directory);
}

TEST(ProcessSources, HoldTheEnvironmentAndTheHostsName) {
    const sources own = process_sources();
    EXPECT_TRUE(own.variables.contains("PATH"));
    EXPECT_FALSE(own.host_name.empty());
}

}  // namespace
}  // namespace headroom::config
