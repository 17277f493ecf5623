// SPDX-License-Identifier: Apache-2.0
// How long each of several addresses of one dial may take.
#include <gtest/gtest.h>

#include "net/tcp_options.hpp"

namespace headroom::net {
namespace {

using namespace std::chrono_literals;

TEST(DialShare, SharesTheTimeLeftAmongTheAddressesLeft) {
    const auto now = clock::now();
    EXPECT_EQ(share_of(now + 3s, now, 3), now + 1s);
    EXPECT_EQ(share_of(now + 2s, now, 1), now + 2s);
    EXPECT_EQ(share_of(now + 1s, now, 100), now + 250ms);   // at least so much
    EXPECT_EQ(share_of(now + 100ms, now, 2), now + 100ms);  // but no more than there is
    EXPECT_EQ(share_of(now - 1s, now, 2), now - 1s);
    EXPECT_GT(share_of(deadline::max(), now, 2), now + 24h);  // no overflow
}

}  // namespace
}  // namespace headroom::net
