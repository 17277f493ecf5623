// SPDX-License-Identifier: Apache-2.0
#include "budget/fit.hpp"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "budget/cores.hpp"

namespace headroom::budget {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

// 2 instances of 3 workers, REDIS_MAX_CONNECTIONS=6, PGPOOL_MAX_SIZE=4: 108 and 24
fleet six_workers() {
    return {.instances = instance_count(2),
            .workers_per_instance = worker_count(3),
            .redis_connections_max = connection_count(6),
            .pg_pool_max = connection_count(4)};
}

limit limit_of(std::uint64_t server) {
    return {.server = connection_count(server)};
}

TEST(LargestFit, IsWorkedOutByHand) {
    // 6 x 3 x 11 = 198, 6 x 16 = 96, 8 x 3 x 4 = 96, 2 x 5 x 3 x 6 = 180
    EXPECT_EQ(largest_redis_connections_max(six_workers(), limit_of(200)), connection_count(11));
    EXPECT_EQ(largest_pg_pool_max(six_workers(), limit_of(100)), connection_count(16));
    EXPECT_EQ(largest_instances(six_workers(), limit_of(100), postgres_demand), instance_count(8));
    EXPECT_EQ(largest_workers_per_instance(six_workers(), limit_of(200), redis_demand),
              worker_count(5));
}

TEST(LargestFit, LeavesWhatIsReservedAndWhatOthersHold) {
    fleet of = six_workers();
    of.pg_others = connection_count(10);
    of.pg_operators = connection_count(3);
    const limit within{.server = connection_count(100),
                       .reserved_superuser = connection_count(3),
                       .reserved_provider = connection_count(2)};
    EXPECT_EQ(largest_pg_pool_max(of, within), connection_count(13));  // 95 - 13 = 82 = 6 x 13 + 4
}

TEST(LargestFit, CountsTheSurgeOfADeploy) {
    fleet of = six_workers();
    of.surge = instance_count(1);
    EXPECT_EQ(largest_pg_pool_max(of, limit_of(100)), connection_count(11));  // 9 x 11 = 99
}

TEST(LargestFit, CountsTheExecutorsOfEachWorker) {
    fleet of = six_workers();
    of.executors_per_worker = connection_count(4);
    // 6 x (3 x 9 + 4) = 186, 3 x 3 x (3 x 6 + 4) = 198, 2 x 4 x (3 x 6 + 4) = 176
    EXPECT_EQ(largest_redis_connections_max(of, limit_of(200)), connection_count(9));
    EXPECT_EQ(largest_instances(of, limit_of(200), redis_demand), instance_count(3));
    EXPECT_EQ(largest_workers_per_instance(of, limit_of(200), redis_demand), worker_count(4));
    EXPECT_EQ(largest_pg_pool_max(of, limit_of(100)), connection_count(16)) << "none of Postgres";
}

TEST(LargestFit, NamesACapForAnUnboundedPool) {
    fleet of = six_workers();
    of.redis_connections_max = std::nullopt;
    EXPECT_EQ(largest_redis_connections_max(of, limit_of(200)), connection_count(11));
    EXPECT_EQ(largest_instances(of, limit_of(200), redis_demand), std::nullopt)
        << "no number of instances fits";
}

TEST(LargestFit, IsEmptyWhenNotEvenTheLeastFits) {
    EXPECT_EQ(largest_pg_pool_max(six_workers(), limit_of(5)), std::nullopt);
    EXPECT_EQ(largest_instances(six_workers(), limit_of(11), postgres_demand), std::nullopt);
    EXPECT_EQ(largest_redis_connections_max(six_workers(), limit_of(35), connection_count(2)),
              std::nullopt);
    EXPECT_EQ(largest_redis_connections_max(six_workers(), limit_of(36), connection_count(2)),
              connection_count(2));
}

TEST(LargestFit, IsEmptyWhenTheLimitIsUnknown) {
    EXPECT_EQ(largest_pg_pool_max(six_workers(), {}), std::nullopt);
}

TEST(LargestFit, IsEmptyWhenTheDemandDoesNotGrowWithIt) {
    fleet of = six_workers();
    of.pg_pool_max = connection_count(0);
    EXPECT_EQ(largest_instances(of, limit_of(100), postgres_demand), std::nullopt);
}

TEST(LargestFit, HoldsAtTheEndOfTheRange) {
    fleet of = six_workers();
    of.workers_per_instance = worker_count(1);
    EXPECT_EQ(largest_pg_pool_max(of, limit_of(most)), connection_count(most / 2));
}

bool fits(const demand& sum, const limit& within) {
    const auto how = judge(sum.total, within);
    return how == verdict::fits || how == verdict::tight;
}

fleet any_fleet() {
    const auto any = [](std::uint64_t least, std::uint64_t end) {
        return *rc::gen::inRange<std::uint64_t>(least, end);
    };
    return {.instances = instance_count(any(1, 50)),
            .workers_per_instance = worker_count(any(1, 64)),
            .redis_connections_max = connection_count(any(1, 200)),
            .pg_pool_max = connection_count(any(1, 200)),
            .executors_per_worker = connection_count(any(0, 50)),
            .emitting_executors =
                any(0, 2) == 1 ? std::optional(connection_count(any(0, 100))) : std::nullopt,
            .sentinel = any(0, 2) == 1,
            .surge = instance_count(any(0, 10)),
            .pg_migrations = connection_count(any(0, 5)),
            .pg_operators = connection_count(any(0, 20)),
            .redis_operators = connection_count(any(0, 20)),
            .redis_replicas = connection_count(any(0, 5)),
            .redis_others = connection_count(any(0, 500)),
            .pg_others = connection_count(any(0, 500))};
}

limit any_limit() {
    return {.server = connection_count(*rc::gen::inRange<std::uint64_t>(0, 100'000)),
            .reserved_superuser = connection_count(*rc::gen::inRange<std::uint64_t>(0, 10)),
            .reserved_provider = connection_count(*rc::gen::inRange<std::uint64_t>(0, 5))};
}

// The answer fits and one more does not; without an answer not even the least fits.
template <class Count, class Set>
void expect_exact(std::optional<Count> answer, const limit& within, demand_function on,
                  fleet changed, Set set) {
    if (!answer) {
        set(changed, 1);
        RC_ASSERT(!fits(on(changed), within));
        return;
    }
    set(changed, answer->value());
    RC_ASSERT(fits(on(changed), within));
    set(changed, answer->value() + 1);
    RC_ASSERT(!fits(on(changed), within));
}

RC_GTEST_PROP(LargestFit, FitsAtTheAnswerAndExceedsAtOneMore, ()) {
    const auto of = any_fleet();
    const auto within = any_limit();
    expect_exact(
        largest_redis_connections_max(of, within), within, redis_demand, of,
        [](fleet& to, std::uint64_t n) { to.redis_connections_max = connection_count(n); });
    expect_exact(largest_pg_pool_max(of, within), within, postgres_demand, of,
                 [](fleet& to, std::uint64_t n) { to.pg_pool_max = connection_count(n); });
    for (const auto on : {redis_demand, postgres_demand}) {
        expect_exact(largest_instances(of, within, on), within, on, of,
                     [](fleet& to, std::uint64_t n) { to.instances = instance_count(n); });
        expect_exact(largest_workers_per_instance(of, within, on), within, on, of,
                     [](fleet& to, std::uint64_t n) { to.workers_per_instance = worker_count(n); });
    }
}

TEST(Cores, AreBusyWithTwoConnectionsEachAndOneForTheSpindle) {
    EXPECT_EQ(useful_connections(core_count(4)), connection_count(9));
    EXPECT_EQ(useful_connections(core_count(most)), std::nullopt);
}

}  // namespace
}  // namespace headroom::budget
