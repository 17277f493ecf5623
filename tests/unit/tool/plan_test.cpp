// SPDX-License-Identifier: Apache-2.0
// Where a plan's fleet comes from, and what a plan is worth. No server is asked.
#include <gtest/gtest.h>

#include "headroom/plan/plan_fleet.hpp"
#include "headroom/plan/plan_verdict.hpp"

namespace headroom::tool {
namespace {

config::sources environment_with(config::environment variables, std::string document = {}) {
    return {
        .variables = std::move(variables),
        .host_name = "host",
        .read_file = [document](const std::string&) -> result<std::string> { return document; }};
}

// 4 workers, caps of 7 and 3
running_service four_workers() {
    inspect::reported_worker worker;
    worker.pools = {{.kind = "async", .cap = 7}, {.kind = "pg", .cap = 3}};
    running_service told{.status = {}, .from = "chatd at there"};
    told.status.service = "told";
    told.status.workers.assign(4, worker);
    return told;
}

struct fleet_world {
    fleet_flags flags = {};
    std::optional<running_service> running = {};
    config::sources from = environment_with({});
    std::vector<finding> notes = {};

    planned_fleet plan() { return plan_fleet(flags, running, from, notes).value(); }
};

TEST(PlannedFleet, IsTheBuiltInOneWhenNobodySaysAnything) {
    const auto fleet = fleet_world().plan();
    EXPECT_EQ(fleet.service, "chat");
    EXPECT_EQ(fleet.counts.workers_per_instance, worker_count(2));
    EXPECT_EQ(fleet.counts.redis_connections_max, std::nullopt);
    EXPECT_EQ(fleet.counts.pg_pool_max, connection_count(5));
    EXPECT_EQ(fleet.source("redis_max_connections"), "built-in default");
    EXPECT_EQ(fleet.source("pg_pool_max_size"), "as concurrent_requests_per_process");
}

TEST(PlannedFleet, TakesTheRunningServiceBeforeTheEnvironment) {
    fleet_world world{
        .running = four_workers(),
        .from = environment_with({{"REDIS_MAX_CONNECTIONS", "20"}, {"SERVICE_NAME", "env"}})};
    const auto fleet = world.plan();
    EXPECT_EQ(fleet.service, "told");
    EXPECT_EQ(fleet.counts.workers_per_instance, worker_count(4));
    EXPECT_EQ(fleet.counts.redis_connections_max, connection_count(7));
    EXPECT_EQ(fleet.counts.pg_pool_max, connection_count(3));
    EXPECT_EQ(fleet.source("redis_max_connections"), "chatd at there");
}

TEST(PlannedFleet, TakesTheDocumentBeforeTheRunningService) {
    fleet_world world{.flags = {.config_file = "gateway.json"},
                      .running = four_workers(),
                      .from = environment_with({{"GATEWAY_CONFIG_JSON", "{}"}},
                                               R"({"pools": {"redis_max_connections": 9}})")};
    const auto fleet = world.plan();
    EXPECT_EQ(fleet.counts.redis_connections_max, connection_count(9));
    EXPECT_EQ(fleet.source("redis_max_connections"), "gateway.json");
    EXPECT_EQ(fleet.counts.workers_per_instance, worker_count(2))
        << "a new chatd's, not this one's";
}

TEST(PlannedFleet, TakesFlagsBeforeAllElse) {
    fleet_world world{.flags = {.config_file = "gateway.json",
                                .service = "a service",
                                .instances = 6,
                                .redis_max = "unset",
                                .pg_max = 8},
                      .from = environment_with({}, R"({"pools": {"redis_max_connections": 9}})")};
    const auto fleet = world.plan();
    EXPECT_EQ(fleet.service, "a_service") << "as it stands in the names of connections";
    EXPECT_EQ(fleet.counts.instances, instance_count(6));
    EXPECT_EQ(fleet.counts.redis_connections_max, std::nullopt);
    EXPECT_EQ(fleet.counts.pg_pool_max, connection_count(8));
    EXPECT_EQ(fleet.source("redis_max_connections"), "--redis-max");
}

TEST(PlannedFleet, KeepsAnUnboundedPoolOfTheRunningService) {
    fleet_world world{.running = four_workers(),
                      .from = environment_with({{"REDIS_MAX_CONNECTIONS", "20"}})};
    for (auto& worker : world.running->status.workers)
        worker.pools[0].cap = std::nullopt;
    EXPECT_EQ(world.plan().counts.redis_connections_max, std::nullopt);
}

TEST(PlannedFleet, HasExecutorsWhereTheEnvironmentSwitchesCodeOn) {
    fleet_world world{.from = environment_with({{"CHAT_EXECUTORS_MAX", "3"}})};
    EXPECT_EQ(world.plan().counts.executors_per_worker, connection_count(0));
    world.from = environment_with({{"CHAT_BUNDLES", "echo,code"},
                                   {"CHAT_EXECUTORS_MAX", "3"},
                                   {"CHAT_EXECUTOR_LAUNCHER", "docker"}});
    const auto fleet = world.plan();
    EXPECT_EQ(fleet.counts.executors_per_worker, connection_count(3));
    EXPECT_EQ(fleet.source("executors_per_worker"), "CHAT_EXECUTORS_MAX of the environment");
}

TEST(PlannedFleet, TakesTheExecutorsOfTheRunningServiceBeforeTheEnvironment) {
    fleet_world world{
        .running = four_workers(),
        .from = environment_with({{"CHAT_BUNDLES", "code"}, {"CHAT_EXECUTORS_MAX", "3"}})};
    EXPECT_EQ(world.plan().counts.executors_per_worker, connection_count(0)) << "it runs no code";
    for (auto& worker : world.running->status.workers)
        worker.executors = inspect::reported_executors{.max = 6};
    const auto fleet = world.plan();
    EXPECT_EQ(fleet.counts.executors_per_worker, connection_count(6));
    EXPECT_EQ(fleet.source("executors_per_worker"), "chatd at there");
}

TEST(PlannedFleet, BelievesTheFlagAboutExecutorsBeforeAnyCountByWorker) {
    fleet_world world{.flags = {.executors = 2},
                      .from = environment_with({{"CHAT_BUNDLES", "code"}})};
    const auto fleet = world.plan();
    EXPECT_EQ(budget::redis_of_executors(fleet.counts), budget::amount::of(connection_count(2)));
    EXPECT_EQ(fleet.source("executors"), "--executors");
    EXPECT_FALSE(fleet.sources.contains("executors_per_worker"));
}

TEST(PlannedFleet, WarnsWhenNoWorkerHasToldItsPoolsYet) {
    fleet_world world{.running = four_workers(),
                      .from = environment_with({{"REDIS_MAX_CONNECTIONS", "20"}})};
    for (auto& worker : world.running->status.workers)
        worker.pools.clear();
    const auto fleet = world.plan();
    EXPECT_EQ(fleet.counts.workers_per_instance, worker_count(4));
    EXPECT_EQ(fleet.source("redis_max_connections"), "REDIS_MAX_CONNECTIONS of the environment");
    EXPECT_EQ(worst_of(world.notes), level::warning);
}

TEST(PlannedFleet, LeavesFaultsInTheAddressesOfServersAlone) {
    fleet_world world{.from = environment_with({{"REDIS_URL", "nonsense"}})};
    EXPECT_EQ(world.plan().service, "chat");
}

planned_server with_limit(std::uint64_t most) {
    planned_server seen;
    seen.limit.limit.server = connection_count(most);
    return seen;
}

plan plan_of(planned_fleet fleet, planned_server redis, planned_server postgres) {
    return make_plan(std::move(fleet), std::move(redis), std::move(postgres), {});
}

// 2 workers, REDIS_MAX_CONNECTIONS 10, PGPOOL_MAX_SIZE 5: 60 and 10
planned_fleet two_workers() {
    return fleet_world{.flags = {.redis_max = "10"}}.plan();
}

TEST(Plan, IsOkWhenAllFits) {
    EXPECT_EQ(plan_of(two_workers(), with_limit(100), with_limit(100)).worst(), level::ok);
}

TEST(Plan, IsAWarningWhenItIsTight) {
    const auto made = plan_of(two_workers(), with_limit(60), with_limit(100));
    EXPECT_EQ(made.redis.how, budget::verdict::tight);
    EXPECT_EQ(made.worst(), level::warning);
}

TEST(Plan, IsCriticalWhenOthersLeaveTooLittle) {
    auto postgres = with_limit(100);
    postgres.held.others = 91;
    const auto made = plan_of(two_workers(), with_limit(100), postgres);
    EXPECT_EQ(made.postgres.how, budget::verdict::exceeds);
    EXPECT_EQ(made.postgres.largest.pool_max, 4U);
    EXPECT_EQ(made.worst(), level::critical);
}

TEST(Plan, IsCriticalWhenUnboundedAndSaysHowHighACapMayBe) {
    auto fleet = two_workers();
    fleet.counts.redis_connections_max = std::nullopt;
    const auto made = plan_of(std::move(fleet), with_limit(100), with_limit(100));
    EXPECT_EQ(made.worst(), level::critical);
    EXPECT_EQ(made.redis.findings.front().advice, "Set REDIS_MAX_CONNECTIONS to at most 16");
}

TEST(Plan, IsUnknownWithoutALimit) {
    const auto made = plan_of(two_workers(), {}, with_limit(100));
    EXPECT_EQ(made.redis.how, budget::verdict::unknown);
    EXPECT_EQ(made.worst(), level::unknown);
}

TEST(Plan, WarnsOfMorePoolThanTheCoresCanUseButNotOfTheSurge) {
    auto postgres = with_limit(1000);
    postgres.cores = planned_cores{budget::core_count(4), "--pg-cores"};
    auto fleet = two_workers();
    EXPECT_EQ(plan_of(fleet, with_limit(100), postgres).worst(), level::warning) << "10 of 9";
    fleet.counts.pg_pool_max = connection_count(4);
    fleet.counts.surge = instance_count(1);
    fleet.counts.redis_connections_max = connection_count(2);
    EXPECT_EQ(plan_of(fleet, with_limit(100), postgres).worst(), level::ok) << "8 of 9";
}

TEST(Plan, IsOfTheInstancesThatConnectionsNameUnlessAFlagSaysOtherwise) {
    auto redis = with_limit(1000);
    redis.held.instances = {"host-1", "host-2"};
    auto postgres = with_limit(1000);
    postgres.held.instances = {"host-2", "host-3"};
    EXPECT_EQ(plan_of(two_workers(), redis, postgres).redis.demand.total,
              budget::amount::of(connection_count(180)));
    auto fleet = fleet_world{.flags = {.instances = 1, .redis_max = "10"}}.plan();
    EXPECT_EQ(plan_of(fleet, redis, postgres).redis.demand.total,
              budget::amount::of(connection_count(60)));
}

}  // namespace
}  // namespace headroom::tool
