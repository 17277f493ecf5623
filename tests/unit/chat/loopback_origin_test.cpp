// SPDX-License-Identifier: Apache-2.0
// Who may ask the admin port.
#include "chat/core/loopback_origin.hpp"

#include <gtest/gtest.h>

namespace headroom::chat {
namespace {

TEST(LoopbackOrigin, AcceptsLoopbackNamesWithAndWithoutAPort) {
    for (const auto* host :
         {"127.0.0.1", "127.0.0.1:8011", "localhost", "LocalHost:1", "[::1]", "[::1]:8011"}) {
        EXPECT_TRUE(is_loopback_host(host)) << host;
        EXPECT_TRUE(is_loopback_origin(std::string("http://") + host)) << host;
    }
}

TEST(LoopbackOrigin, RefusesEveryOtherName) {
    for (const auto* host :
         {"", "example.org", "127.0.0.1.example.org", "localhost.example.org:8011",
          "127.0.0.1:", "127.0.0.1:80x", "127.0.0.1:123456", "[::1", "[::1]x", "a@127.0.0.1",
          "127.0.0.1/", "127.0.0.1:80:80"}) {
        EXPECT_FALSE(is_loopback_host(host)) << host;
    }
}

TEST(LoopbackOrigin, RefusesOriginsThatAreNoPlainHttp) {
    for (const auto* origin : {"null", "", "https://127.0.0.1", "127.0.0.1", "http://evil.example"})
        EXPECT_FALSE(is_loopback_origin(origin)) << origin;
}

}  // namespace
}  // namespace headroom::chat
