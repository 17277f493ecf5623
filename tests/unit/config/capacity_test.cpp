// SPDX-License-Identifier: Apache-2.0
// What settings mean for servers and for the operating system.
#include "config/capacity.hpp"

#include <gtest/gtest.h>

#include "budget/demand.hpp"

namespace headroom::config {
namespace {

settings capped() {
    settings of;
    of.redis.connections_max = connection_count(6);
    of.postgres.pool_max = connection_count(3);
    of.capacity.processes_per_instance = worker_count(3);
    return of;
}

TEST(Capacity, PutsTheSettingsIntoTheBudget) {
    const budget::fleet fleet = fleet_of(capped(), instance_count(2));
    EXPECT_EQ(budget::redis_demand(fleet).total.counted(), connection_count(108));
    EXPECT_EQ(budget::postgres_demand(fleet).total.counted(), connection_count(18));
}

TEST(Capacity, CountsExecutorsWhereCodeIsRun) {
    settings of = capped();
    of.executor.running_max = connection_count(7);
    EXPECT_EQ(executors_per_worker(of), connection_count(0)) << "the bundle is off";
    of.bundles = {"echo", "code"};
    EXPECT_EQ(executors_per_worker(of), connection_count(7));
    EXPECT_EQ(fleet_of(of, instance_count(2)).executors_per_worker, connection_count(7));
    of.role = service_role::ingress;
    EXPECT_EQ(executors_per_worker(of), connection_count(0)) << "it runs no turns";
}

TEST(Capacity, AddsTheFilesOfExecutors) {
    settings of = capped();
    const auto before = open_files_needed(of).total;
    of.bundles = {"code"};
    of.executor.running_max = connection_count(7);
    EXPECT_EQ(open_files_needed(of).total, before + 4 * 7);
    EXPECT_EQ(open_files_needed(of).terms.back().name, "executors");
}

TEST(Capacity, LeavesAnUnsetCapUnbounded) {
    const budget::fleet fleet = fleet_of(settings{}, instance_count(1));
    EXPECT_TRUE(budget::redis_demand(fleet).total.is_unbounded());
}

TEST(Capacity, SumsTheOpenFilesOfAWorker) {
    const open_files_need need = open_files_needed(capped());
    EXPECT_EQ(need.total, 3 * 6 + 2 * 3 + 10'000 + 256 + 32U);
    EXPECT_EQ(need.terms.front().name, "redis connections");
    EXPECT_EQ(need.terms.front().count, 18U);
}

TEST(Capacity, AllowsSomethingForUnboundedPools) {
    settings of = capped();
    of.redis.connections_max = std::nullopt;
    EXPECT_EQ(open_files_needed(of).terms.front().count, 3 * unbounded_pool_allowance);
}

}  // namespace
}  // namespace headroom::config
