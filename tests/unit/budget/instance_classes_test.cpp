// SPDX-License-Identifier: Apache-2.0
#include "budget/instance_classes.hpp"

#include <gtest/gtest.h>

namespace headroom::budget {
namespace {

TEST(RdsClass, PromisesNoMoreThanServersWereSeenToAccept) {
    EXPECT_LE(find_rds_class("db.t3.small")->max_connections, connection_count(198));
    EXPECT_LE(find_rds_class("db.t3.medium")->max_connections, connection_count(413));
    EXPECT_LE(find_rds_class("db.m6g.large")->max_connections, connection_count(856));
    EXPECT_GE(find_rds_class("db.m6g.large")->max_connections, connection_count(750));
}

TEST(RdsClass, HasTheProvidersCeiling) {
    EXPECT_EQ(find_rds_class("db.r6g.16xlarge")->max_connections, connection_count(5000));
}

TEST(RdsClass, IsEmptyForWhatIsNotKnown) {
    EXPECT_FALSE(find_rds_class("db.m6g.huge"));
    EXPECT_FALSE(find_rds_class("db.m6g.32xlarge")) << "that family ends at 16xlarge";
    EXPECT_FALSE(find_rds_class("m6g"));
    EXPECT_FALSE(find_rds_class(""));
}

TEST(RdsClass, FindsTheSmallestThatSuffices) {
    EXPECT_EQ(smallest_rds_class("db.m6g", connection_count(800))->name, "db.m6g.xlarge");
    EXPECT_FALSE(smallest_rds_class("db.m6g", connection_count(5001)));
    EXPECT_FALSE(smallest_rds_class("db.none", connection_count(1)));
}

TEST(ElasticacheNode, AcceptsTheSameNumberWhateverItsSize) {
    EXPECT_EQ(find_elasticache_node("cache.t4g.small")->maxclients, connection_count(65'000));
    EXPECT_EQ(find_elasticache_node("cache.r7g.16xlarge")->maxclients, connection_count(65'000));
    EXPECT_FALSE(find_elasticache_node("cache.x9.large"));
    EXPECT_FALSE(find_elasticache_node("cache.t4g.16xlarge"));
}

}  // namespace
}  // namespace headroom::budget
