// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/aws_answers.hpp"

#include <gtest/gtest.h>

namespace headroom::tool {
namespace {

TEST(AwsAnswers, TellWhoCalls) {
    const auto caller =
        parse_caller(R"({"UserId": "AID", "Account": "123", "Arn": "arn:aws:iam::123:user/ops"})");
    ASSERT_TRUE(caller) << caller.error();
    EXPECT_EQ(caller->account, "123");
    EXPECT_EQ(caller->arn, "arn:aws:iam::123:user/ops");
}

TEST(AwsAnswers, TellEachInstanceWithItsGroup) {
    const auto all = parse_rds_instances(R"({"DBInstances": [
        {"DBInstanceIdentifier": "chat-db", "DBInstanceClass": "db.m6g.large",
         "Engine": "postgres", "EngineVersion": "15.4", "DBInstanceStatus": "available",
         "DBParameterGroups": [{"DBParameterGroupName": "chat-pg",
                                "ParameterApplyStatus": "in-sync"}]},
        {"DBInstanceIdentifier": "new-db", "DBParameterGroups": []}]})");
    ASSERT_TRUE(all) << all.error();
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ(all->front().group, "chat-pg");
    EXPECT_EQ(all->front().group_status, "in-sync");
    EXPECT_EQ(all->front().instance_class, "db.m6g.large");
    EXPECT_EQ(all->back().group, "");
}

TEST(AwsAnswers, TellAParameterThatHasNoValue) {
    const auto value = parse_rds_parameter(R"([{"ParameterName": "max_connections"}])");
    ASSERT_TRUE(value) << value.error();
    EXPECT_FALSE(*value);
    EXPECT_EQ(parse_rds_parameter(R"([{"ParameterValue": "100"}])").value(), "100");
}

TEST(AwsAnswers, TellANodeTypeOfBothKinds) {
    const auto group = parse_cache(R"({"ReplicationGroups": [
        {"Status": "available", "CacheNodeType": "cache.t4g.small", "ReplicationGroupId": "g"}]})");
    ASSERT_TRUE(group) << group.error();
    EXPECT_EQ(group->node_type, "cache.t4g.small");
    EXPECT_EQ(group->member_of, "");
    const auto cluster = parse_cache(R"({"CacheClusters": [
        {"CacheClusterStatus": "modifying", "ReplicationGroupId": "g"}]})");
    ASSERT_TRUE(cluster) << cluster.error();
    EXPECT_EQ(cluster->status, "modifying");
    EXPECT_EQ(cluster->member_of, "g");
}

TEST(AwsAnswers, SayWhatIsMissingOfAnythingElse) {
    for (const auto* text : {"", "not JSON", "[]", "{}", "7", R"({"DBInstances": 7})",
                             R"({"Arn": 7})", R"({"ReplicationGroups": []})"}) {
        EXPECT_FALSE(parse_caller(text)) << text;
        EXPECT_FALSE(parse_rds_instances(text)) << text;
        EXPECT_FALSE(parse_rds_parameter(text)) << text;
        EXPECT_FALSE(parse_cache(text)) << text;
    }
    EXPECT_EQ(parse_rds_instances("{}").error(), "the aws program's answer has no DBInstances");
}

TEST(AwsAnswers, TakeTheRegionFromAnArn) {
    EXPECT_EQ(region_of("arn:aws:rds:eu-west-1:123:db:chat-db"), "eu-west-1");
    EXPECT_EQ(region_of("no arn"), "");
}

}  // namespace
}  // namespace headroom::tool
