// SPDX-License-Identifier: Apache-2.0
// The four formulas of connection pooling, each by its name. Their products are worked out here a
// second time, process by process.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "budget/demand.hpp"

namespace headroom::budget {
namespace {

amount exactly(std::uint64_t n) {
    return amount::of(connection_count(n));
}

fleet fleet_of(std::uint64_t instances, std::uint64_t workers, std::uint64_t redis_cap,
               std::uint64_t pg_cap) {
    return {.instances = instance_count(instances),
            .workers_per_instance = worker_count(workers),
            .redis_connections_max = connection_count(redis_cap),
            .pg_pool_max = connection_count(pg_cap)};
}

// max_redis_conns_per_process = 3 * REDIS_MAX_CONNECTIONS
TEST(Formula, RedisConnectionsPerProcessAreThreeTimesTheCap) {
    EXPECT_EQ(redis_per_process(fleet_of(1, 1, 6, 1)), exactly(18));
    EXPECT_EQ(redis_per_process(fleet_of(5, 8, 6, 1)), exactly(18)) << "of one process";
    EXPECT_EQ(redis_per_process(fleet_of(1, 1, 20, 1)), exactly(60));
}

// total_redis_connections = processes * 3 * REDIS_MAX_CONNECTIONS
TEST(Formula, RedisConnectionsOfTheFleetAreProcessesTimesThreeTimesTheCap) {
    EXPECT_EQ(redis_demand(fleet_of(1, 6, 4, 1)).total, exactly(72));
    EXPECT_EQ(redis_demand(fleet_of(2, 3, 6, 1)).total, exactly(108));
}

// emitting executors <= processes * CHAT_EXECUTORS_MAX
TEST(Formula, ExecutorsOfTheFleetAreProcessesTimesWhatEachMayRun) {
    fleet of = fleet_of(2, 4, 6, 1);
    of.executors_per_worker = connection_count(4);
    EXPECT_EQ(redis_of_executors(of), exactly(32));
    of.emitting_executors = connection_count(5);
    EXPECT_EQ(redis_of_executors(of), exactly(5)) << "as many as are known to emit";
}

// pg_conns_per_instance = workers * pg_pool_max_size
TEST(Formula, PostgresConnectionsPerInstanceAreWorkersTimesThePool) {
    EXPECT_EQ(postgres_per_instance(fleet_of(1, 3, 2, 4)), exactly(12));
    EXPECT_EQ(postgres_per_instance(fleet_of(7, 3, 2, 4)), exactly(12)) << "of one instance";
}

// total_pg_connections = processes * PGPOOL_MAX_SIZE
TEST(Formula, PostgresConnectionsOfTheFleetAreProcessesTimesThePool) {
    EXPECT_EQ(postgres_demand(fleet_of(1, 6, 2, 2)).total, exactly(12));
    EXPECT_EQ(postgres_demand(fleet_of(2, 3, 2, 4)).total, exactly(24));
}

RC_GTEST_PROP(Formula, HoldsForEveryProcessOneByOne, ()) {
    const auto instances = *rc::gen::inRange<std::uint64_t>(0, 12);
    const auto workers = *rc::gen::inRange<std::uint64_t>(0, 12);
    const auto redis_cap = *rc::gen::inRange<std::uint64_t>(0, 1'000'000);
    const auto pg_cap = *rc::gen::inRange<std::uint64_t>(0, 1'000'000);
    const auto surge = *rc::gen::inRange<std::uint64_t>(0, 4);
    const auto executors = *rc::gen::inRange<std::uint64_t>(0, 1'000);
    std::uint64_t redis = 0;
    std::uint64_t postgres = 0;
    for (std::uint64_t process = 0; process < (instances + surge) * workers; ++process) {
        redis += redis_cap + redis_cap + redis_cap;  // async, async_decode, sync
        for (std::uint64_t executor = 0; executor < executors; ++executor)
            ++redis;
        postgres += pg_cap;
    }
    auto of = fleet_of(instances, workers, redis_cap, pg_cap);
    of.surge = instance_count(surge);
    of.executors_per_worker = connection_count(executors);
    RC_ASSERT(redis_demand(of).total == exactly(redis));
    RC_ASSERT(postgres_demand(of).total == exactly(postgres));
}

}  // namespace
}  // namespace headroom::budget
