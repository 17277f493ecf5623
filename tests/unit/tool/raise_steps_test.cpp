// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/raise_steps.hpp"

#include <gtest/gtest.h>

namespace headroom::tool {
namespace {

using words = std::vector<std::string>;

const aws_access anywhere;

std::vector<words> commands_of(const std::vector<step>& steps) {
    std::vector<words> all;
    for (const auto& one : steps)
        all.push_back(one.command);
    return all;
}

std::vector<effect> effects_of(const std::vector<step>& steps) {
    std::vector<effect> all;
    for (const auto& one : steps)
        all.push_back(one.does);
    return all;
}

inspect::postgres_limits limits_of(std::optional<std::uint64_t> role,
                                   std::optional<std::uint64_t> database) {
    inspect::postgres_limits told;
    told.role = "app";
    told.database = "Chat";
    told.max_connections = 100;
    told.role_limit = role;
    told.database_limit = database;
    return told;
}

TEST(RdsSteps, FindTheGroupSetTheParameterAndReboot) {
    const auto steps = rds_steps({.instance = "chat-db", .group = "chat-pg"}, 200, anywhere);
    EXPECT_EQ(commands_of(steps),
              (std::vector<words>{
                  {"aws", "rds", "describe-db-instances", "--db-instance-identifier", "chat-db",
                   "--query", "DBInstances[0].DBParameterGroups[0].DBParameterGroupName",
                   "--output", "text"},
                  {"aws", "rds", "modify-db-parameter-group", "--db-parameter-group-name",
                   "chat-pg", "--parameters",
                   "ParameterName=max_connections,ParameterValue=200,ApplyMethod=pending-reboot"},
                  {"aws", "rds", "reboot-db-instance", "--db-instance-identifier", "chat-db"}}));
    EXPECT_EQ(effects_of(steps), (std::vector{effect::looks, effect::changes, effect::restarts}));
}

TEST(RdsSteps, StandNamesForWhatIsNotKnown) {
    const auto steps = rds_steps({.instance = "chat-db"}, 200, anywhere);
    EXPECT_EQ(steps[1].command[4], "GROUP");
    EXPECT_EQ(steps[0].note, "What it prints is the GROUP of the next step.");
    EXPECT_EQ(rds_steps({.group = "chat-pg"}, 200, anywhere)[2].command[4], "INSTANCE");
}

TEST(RdsSteps, MakeAGroupOfItsOwnWhereTheDefaultOneCannotBeEdited) {
    const auto steps = rds_own_group_steps(
        {.instance = "chat-db", .group = "default.postgres15", .family = "postgres15"}, 200,
        anywhere);
    EXPECT_EQ(commands_of(steps),
              (std::vector<words>{
                  {"aws", "rds", "create-db-parameter-group", "--db-parameter-group-name",
                   "chat-db-params", "--db-parameter-group-family", "postgres15", "--description",
                   "Parameters of chat-db"},
                  {"aws", "rds", "modify-db-parameter-group", "--db-parameter-group-name",
                   "chat-db-params", "--parameters",
                   "ParameterName=max_connections,ParameterValue=200,ApplyMethod=pending-reboot"},
                  {"aws", "rds", "modify-db-instance", "--db-instance-identifier", "chat-db",
                   "--db-parameter-group-name", "chat-db-params", "--apply-immediately"},
                  {"aws", "rds", "reboot-db-instance", "--db-instance-identifier", "chat-db"}}));
}

TEST(AwsSteps, PassOnRegionProfileAndEndpointInEveryCall) {
    const aws_access with{.region = "eu-west-1", .profile = "ops", .endpoint_url = "http://stub"};
    const words passed{"--region", "eu-west-1",      "--profile",
                       "ops",      "--endpoint-url", "http://stub"};
    auto all = rds_steps({}, 200, with);
    for (const auto& more :
         {rds_own_group_steps({}, 200, with), cache_steps({}, with),
          std::vector{caller_look(with), rds_instances_look(with), rds_instance_look({}, with),
                      rds_parameter_look({}, with)}})
        all.insert(all.end(), more.begin(), more.end());
    EXPECT_EQ(all.size(), 13U);
    for (const auto& one : all) {
        ASSERT_GE(one.command.size(), passed.size());
        EXPECT_EQ(words(one.command.end() - 6, one.command.end()), passed) << one.title;
    }
}

TEST(AwsLooks, AskForEverythingAsJson) {
    EXPECT_EQ(caller_look(anywhere).command,
              (words{"aws", "sts", "get-caller-identity", "--output", "json"}));
    EXPECT_EQ(rds_instances_look(anywhere).command,
              (words{"aws", "rds", "describe-db-instances", "--output", "json"}));
    EXPECT_EQ(rds_instance_look({.instance = "chat-db"}, anywhere).command,
              (words{"aws", "rds", "describe-db-instances", "--db-instance-identifier", "chat-db",
                     "--output", "json"}));
    EXPECT_EQ(
        rds_parameter_look({.group = "chat-pg"}, anywhere).command,
        (words{"aws", "rds", "describe-db-parameters", "--db-parameter-group-name", "chat-pg",
               "--query", "Parameters[?ParameterName=='max_connections']", "--output", "json"}));
}

TEST(CacheSteps, ScaleAReplicationGroupAtOnce) {
    EXPECT_EQ(
        commands_of(cache_steps(
            {.kind = cache_kind::replication_group, .id = "chat", .node_type = "cache.m7g.large"},
            anywhere)),
        (std::vector<words>{
            {"aws", "elasticache", "describe-replication-groups", "--replication-group-id", "chat",
             "--output", "json"},
            {"aws", "elasticache", "modify-replication-group", "--replication-group-id", "chat",
             "--cache-node-type", "cache.m7g.large", "--apply-immediately"}}));
}

TEST(CacheSteps, ScaleAClusterWithoutAGroupAtOnce) {
    EXPECT_EQ(
        commands_of(cache_steps(
            {.kind = cache_kind::cluster, .id = "chat", .node_type = "cache.m7g.large"}, anywhere)),
        (std::vector<words>{
            {"aws", "elasticache", "describe-cache-clusters", "--cache-cluster-id", "chat",
             "--output", "json"},
            {"aws", "elasticache", "modify-cache-cluster", "--cache-cluster-id", "chat",
             "--cache-node-type", "cache.m7g.large", "--apply-immediately"}}));
}

TEST(PostgresSteps, RestartBecauseAReloadDoesNotDo) {
    const auto steps = postgres_steps({.host = "db1", .port = "5433"}, "15.20 (Debian)", 300);
    EXPECT_EQ(commands_of(steps),
              (std::vector<words>{{"systemctl", "show", "postgresql@15-main",
                                   "--property=TasksMax,LimitNPROC,LimitNOFILE"},
                                  {"psql", "-X", "-h", "db1", "-p", "5433", "-U", "postgres", "-d",
                                   "postgres", "-c", "ALTER SYSTEM SET max_connections = 300"},
                                  {"systemctl", "restart", "postgresql@15-main"},
                                  {"psql", "-X", "-h", "db1", "-p", "5433", "-U", "postgres", "-d",
                                   "postgres", "-c", "SHOW max_connections"}}));
    EXPECT_EQ(postgres_steps({}, "", 300)[2].command,
              (words{"systemctl", "restart", "postgresql"}));
}

TEST(ConnectionLimitSteps, LiftWhatIsBelowTheWantedNumberAndNothingElse) {
    const auto steps = connection_limit_steps({}, limits_of(50, 60), 55);
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].command, (words{"psql", "-X", "-U", "postgres", "-d", "postgres", "-c",
                                       "ALTER ROLE app CONNECTION LIMIT 55"}));
    EXPECT_TRUE(connection_limit_steps({}, limits_of(std::nullopt, 60), 60).empty());
}

TEST(ConnectionLimitSteps, QuoteANameThatNeedsIt) {
    auto told = limits_of(std::nullopt, 10);
    told.database = "say \"Chat\"";
    EXPECT_EQ(connection_limit_steps({}, told, 20)[0].command.back(),
              "ALTER DATABASE \"say \"\"Chat\"\"\" CONNECTION LIMIT 20");
}

TEST(RedisSteps, NeedThirtyTwoFilesMoreThanClients) {
    const auto steps = redis_steps({.host = "cache1", .port = "6379", .user = "ops"}, 20'000);
    EXPECT_EQ(steps[0].title, "See that the server may open 20032 files");
    EXPECT_EQ(
        commands_of(steps),
        (std::vector<words>{
            {"systemctl", "show", "redis-server", "--property=LimitNOFILE"},
            {"redis-cli", "-h", "cache1", "-p", "6379", "--user", "ops", "CONFIG", "SET",
             "maxclients", "20000"},
            {"redis-cli", "-h", "cache1", "-p", "6379", "--user", "ops", "CONFIG", "REWRITE"},
            {"redis-cli", "-h", "cache1", "-p", "6379", "--user", "ops", "INFO", "clients"}}));
}

TEST(RedisSteps, GoThroughTheSocketWhereThereIsOne) {
    EXPECT_EQ(redis_steps({.socket = "/run/r.sock", .host = "", .port = "6379"}, 20)[3].command,
              (words{"redis-cli", "-s", "/run/r.sock", "INFO", "clients"}));
}

TEST(ShellCommand, QuotesWhatAShellWouldTakeApart) {
    EXPECT_EQ(to_shell({"a", "b c", "", "x=1,y", "it's", "$1 'q'"}, 200, 0),
              R"(a 'b c' '' x=1,y "it's" '$1 '\''q'\''')");
}

TEST(ShellCommand, BreaksBetweenOptionsAndKeepsValuesWithThem) {
    EXPECT_EQ(to_shell({"aws", "rds", "do", "--first", "one", "--second", "two"}, 24, 4),
              "aws rds do \\\n    --first one \\\n    --second two");
}

TEST(ShellCommand, GivesAValueThatIsTooLongALineOfItsOwn) {
    const std::string value(18, 'v');
    EXPECT_EQ(to_shell({"aws", "do", "--first", value, "--second", "2"}, 22, 4),
              "aws do \\\n    --first \\\n  " + value + " \\\n    --second 2");
}

}  // namespace
}  // namespace headroom::tool
