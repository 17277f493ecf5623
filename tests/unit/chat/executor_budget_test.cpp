// SPDX-License-Identifier: Apache-2.0
// How executors appear in what chatd tells of itself: at its start, and on its monitoring page.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "chat/supervisor/monitoring_report.hpp"
#include "chat/supervisor/start_report.hpp"
#include "chat/worker/snapshot.hpp"
#include "config/capacity.hpp"

namespace headroom::chat {
namespace {

namespace json = boost::json;

config::settings two_workers_of_three_executors() {
    config::settings of;
    of.redis.connections_max = connection_count(6);
    of.bundles = {"echo", "code"};
    of.executor.running_max = connection_count(3);
    return of;
}

json::array redis_terms(const config::settings& of) {
    const std::vector<worker_view> none;
    const auto report = system_report({.settings = of, .workers = none, .servers = {}});
    return report.at("budget").at("redis").at("terms").as_array();
}

TEST(StartReport, TellsTheSumWithEachTerm) {
    const auto fleet = config::fleet_of(two_workers_of_three_executors(), instance_count(1));
    EXPECT_EQ(sum_text(budget::redis_demand(fleet)),
              "42 = 36 workers (1 instance x 2 workers x 3 pools x 6) + 6 executors (1 instance x "
              "2 workers x 3 executors, 1 each)");
    EXPECT_EQ(sum_text(budget::redis_demand({})),
              "unbounded = unbounded workers (1 instance x 1 worker x 3 pools x an unset cap)");
}

TEST(MonitoringReport, HasExecutorsAsATermWhileCodeIsOn) {
    auto of = two_workers_of_three_executors();
    const auto terms = redis_terms(of);
    ASSERT_EQ(terms.size(), 2U);
    EXPECT_EQ(terms[1].at("name"), "executors");
    EXPECT_EQ(terms[1].at("value").to_number<int>(), 6);
    of.bundles = {"echo"};
    EXPECT_EQ(redis_terms(of).size(), 1U);
}

TEST(Snapshot, TellsWhatTheExecutorsOfAWorkerDo) {
    const executor_stats stats{.running_max = 3,
                               .running = 2,
                               .waiting = 1,
                               .started = 9,
                               .ended = 6,
                               .failed = 1,
                               .emitting = 4};
    EXPECT_EQ(json::serialize(executors_report({.executors = stats, .launcher = "child"})),
              R"({"launcher":"child","max":3,"running":2,"waiting":1,"started":9,"ended":6,)"
              R"("failed":1,"emitting":4})");
}

TEST(Snapshot, HasNoExecutorsWhereTheBundleIsOff) {
    EXPECT_TRUE(executors_report({}).is_null());
}

}  // namespace
}  // namespace headroom::chat
