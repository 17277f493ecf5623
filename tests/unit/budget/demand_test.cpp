// SPDX-License-Identifier: Apache-2.0
// The arithmetic of connections, on numbers worked out by hand.
#include "budget/demand.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace headroom::budget {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

amount exactly(std::uint64_t n) {
    return amount::of(connection_count(n));
}

// 2 instances of 3 workers, REDIS_MAX_CONNECTIONS=6, PGPOOL_MAX_SIZE=4
fleet six_workers() {
    return {.instances = instance_count(2),
            .workers_per_instance = worker_count(3),
            .redis_connections_max = connection_count(6),
            .pg_pool_max = connection_count(4)};
}

TEST(RedisBudget, TellsItsFirstTermAsAFormula) {
    const demand of = redis_demand(six_workers());
    EXPECT_EQ(of.total, exactly(108));
    ASSERT_EQ(of.terms.size(), 1U);
    EXPECT_EQ(of.terms[0].name, "workers");
    EXPECT_EQ(of.terms[0].formula, "2 instances x 3 workers x 3 pools x 6");
}

TEST(RedisBudget, AddsOneConnectionForEachEmittingExecutor) {
    fleet of = six_workers();
    of.emitting_executors = connection_count(10);
    EXPECT_EQ(redis_demand(of).total, exactly(118));
}

TEST(RedisBudget, AddsOneConnectionForEachExecutorOfEachWorker) {
    fleet of = six_workers();
    of.executors_per_worker = connection_count(4);
    const demand sum = redis_demand(of);
    ASSERT_EQ(sum.terms.size(), 2U);
    EXPECT_EQ(sum.terms[1].name, "executors");
    EXPECT_EQ(sum.terms[1].formula, "2 instances x 3 workers x 4 executors, 1 each");
    EXPECT_EQ(sum.terms[1].most, exactly(24));
    EXPECT_EQ(sum.total, exactly(132));
    EXPECT_EQ(redis_per_process(of), exactly(18)) << "executors are processes of their own";
}

TEST(RedisBudget, CountsTheExecutorsOfTheNewVersionInTheSurge) {
    fleet of = six_workers();
    of.executors_per_worker = connection_count(4);
    of.surge = instance_count(1);
    EXPECT_EQ(redis_demand(of).terms[2].formula,
              "1 instance x 3 workers x (3 pools x 6 + 4 executors)");
    EXPECT_EQ(redis_demand(of).terms[2].most, exactly(66));
    of.sentinel = true;
    of.executors_per_worker = connection_count(1);
    EXPECT_EQ(redis_demand(of).terms[3].formula,
              "1 instance x 3 workers x (3 pools x 6 + 1 executor)");
    EXPECT_EQ(redis_demand(of).terms[3].most, exactly(57));
}

TEST(RedisBudget, BelievesAKnownNumberOfEmittingExecutorsAloneAndForTheSurgeToo) {
    fleet of = six_workers();
    of.executors_per_worker = connection_count(4);
    of.emitting_executors = connection_count(10);
    of.surge = instance_count(1);
    const demand sum = redis_demand(of);
    EXPECT_EQ(sum.terms[1].most, exactly(10));
    EXPECT_EQ(sum.terms[2].formula, "1 instance x 3 workers x 3 pools x 6");
    EXPECT_EQ(sum.total, exactly(172));
    of.emitting_executors = connection_count(0);
    EXPECT_EQ(redis_demand(of).total, exactly(162)) << "none emits";
}

TEST(RedisBudget, TellsTheConnectionToSentinelApartFromTheTotalOfThePrimary) {
    fleet of = six_workers();
    of.sentinel = true;
    const demand sum = redis_demand(of);
    EXPECT_EQ(sum.total, exactly(108));
    EXPECT_EQ(sum.terms.at(1).name, "sentinel");
    EXPECT_EQ(sum.terms.at(1).most, exactly(6));
    EXPECT_TRUE(sum.terms.at(1).formula.ends_with(" x 1, on sentinels, not in total"));
}

TEST(RedisBudget, NamesEveryForgottenTermAndSumsThem) {
    fleet of = six_workers();
    of.sentinel = true;
    of.emitting_executors = connection_count(10);
    of.surge = instance_count(1);
    of.redis_operators = connection_count(2);
    of.redis_replicas = connection_count(3);
    of.redis_others = connection_count(4);
    of.pg_operators = connection_count(99);  // not on this server

    const demand sum = redis_demand(of);
    std::vector<std::pair<std::string_view, amount>> terms;
    for (const term& t : sum.terms)
        terms.emplace_back(t.name, t.most);
    const decltype(terms) expected{{"workers", exactly(108)},  {"sentinel", exactly(9)},
                                   {"executors", exactly(10)}, {"surge", exactly(54)},
                                   {"operators", exactly(2)},  {"replicas", exactly(3)},
                                   {"others", exactly(4)}};
    EXPECT_EQ(terms, expected);
    EXPECT_EQ(sum.total, exactly(181));
}

TEST(RedisBudget, SpeaksOfOneAsOne) {
    fleet of = six_workers();
    of.instances = instance_count(1);
    of.workers_per_instance = worker_count(1);
    of.emitting_executors = connection_count(1);
    const demand sum = redis_demand(of);
    EXPECT_EQ(sum.terms[0].formula, "1 instance x 1 worker x 3 pools x 6");
    EXPECT_EQ(sum.terms[1].formula, "1 executor emitting at the same time, 1 each");
}

TEST(RedisBudget, IsUnboundedWithoutACap) {
    fleet of = six_workers();
    of.redis_connections_max = std::nullopt;
    of.emitting_executors = connection_count(1);
    const demand sum = redis_demand(of);
    EXPECT_TRUE(redis_per_process(of).is_unbounded());
    EXPECT_TRUE(sum.total.is_unbounded());
    EXPECT_EQ(sum.terms[0].formula, "2 instances x 3 workers x 3 pools x an unset cap");
    EXPECT_EQ(sum.terms[1].most, exactly(1));
}

TEST(RedisBudget, SaysWhenAProductDoesNotFit) {
    fleet of = six_workers();
    of.redis_connections_max = connection_count(most / 3 + 1);
    EXPECT_TRUE(redis_per_process(of).is_overflowed());
    EXPECT_TRUE(redis_demand(of).total.is_overflowed());

    of = six_workers();
    of.instances = instance_count(most);
    EXPECT_TRUE(redis_demand(of).total.is_overflowed());

    of = six_workers();
    of.executors_per_worker = connection_count(most);
    EXPECT_TRUE(redis_of_executors(of).is_overflowed());
    EXPECT_TRUE(redis_demand(of).total.is_overflowed());
}

TEST(RedisBudget, SaysWhenTheSumOfFittingTermsDoesNotFit) {
    fleet of = six_workers();
    of.emitting_executors = connection_count(most);
    EXPECT_TRUE(redis_demand(of).total.is_overflowed());
    EXPECT_EQ(to_string(redis_demand(of).total), "2^64 or more");
}

TEST(PostgresBudget, TellsItsFirstTermAsAFormula) {
    const demand of = postgres_demand(six_workers());
    EXPECT_EQ(of.total, exactly(24));
    ASSERT_EQ(of.terms.size(), 1U);
    EXPECT_EQ(of.terms[0].formula, "2 instances x 3 workers x 4");
}

TEST(PostgresBudget, NamesEveryForgottenTermAndSumsThem) {
    fleet of = six_workers();
    of.surge = instance_count(2);
    of.pg_migrations = connection_count(1);
    of.pg_operators = connection_count(5);
    of.pg_others = connection_count(7);
    of.emitting_executors = connection_count(50);  // executors open no Postgres connection
    of.executors_per_worker = connection_count(50);
    const demand sum = postgres_demand(of);
    ASSERT_EQ(sum.terms.size(), 5U);
    EXPECT_EQ(sum.terms[1].name, "surge");
    EXPECT_EQ(sum.terms[1].most, exactly(24));
    EXPECT_EQ(sum.terms[4].name, "others");
    EXPECT_EQ(sum.terms[4].formula, "7 connections of others, counted now");
    EXPECT_EQ(sum.total, exactly(61));
}

TEST(PostgresBudget, SaysWhenAProductDoesNotFit) {
    fleet of = six_workers();
    of.pg_pool_max = connection_count(most);
    EXPECT_TRUE(postgres_per_instance(of).is_overflowed());
    EXPECT_TRUE(postgres_demand(of).total.is_overflowed());
}

TEST(Amount, IsUnboundedBeforeItIsOverflowed) {
    EXPECT_TRUE(add(amount::unbounded(), amount::overflowed()).is_unbounded());
    EXPECT_TRUE(add(amount::overflowed(), exactly(1)).is_overflowed());
    EXPECT_EQ(add(exactly(1), exactly(2)), exactly(3));
}

}  // namespace
}  // namespace headroom::budget
