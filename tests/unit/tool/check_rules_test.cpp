// SPDX-License-Identifier: Apache-2.0
#include "headroom/check/check_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom::tool {
namespace {

using std::chrono::seconds;

// One worker, pid 42, whose pools hold what the servers count.
check_look calm_look() {
    check_look look;
    look.service =
        inspect::service_status{.service = "chat", .instance = "a", .version = "1", .workers = {}};
    inspect::reported_worker worker;
    worker.pid = 42;
    worker.state = "ready";
    worker.is_ready = true;
    worker.age_ms = 100;
    worker.pools = {{.kind = "async", .cap = 6, .size = 2}, {.kind = "pg", .cap = 3, .size = 1}};
    look.service->workers.push_back(worker);
    look.counted.has_redis = look.counted.has_postgres = true;
    look.counted.ours = {{"chat:a:42:async", 2}, {"chat:a:42:pg", 1}};
    return look;
}

finding of(const std::vector<check>& all, std::string_view name) {
    const auto found = std::ranges::find(all, name, &check::name);
    EXPECT_NE(found, all.end()) << name;
    return found != all.end() ? found->found : finding{level::unknown, "missing", ""};
}

TEST(CheckRules, AreAllKeptByACalmService) {
    const auto all = check_looks({calm_look()}, {});
    EXPECT_EQ(worst_of(all), level::ok);
    EXPECT_EQ(all.size(), 7U);
    EXPECT_FALSE(may_pass(calm_look()));
}

TEST(CheckRules, FindDriftOnlyWhenEveryLookHasIt) {
    auto drifted = calm_look();
    drifted.counted.ours["chat:a:42:async"] = 3;
    EXPECT_TRUE(may_pass(drifted));
    EXPECT_EQ(of(check_looks({drifted, drifted}, {}), "drift").how, level::warning);
    EXPECT_EQ(of(check_looks({drifted, calm_look()}, {}), "drift").how, level::ok);
    EXPECT_NE(of(check_looks({drifted}, {}), "drift").what.find("reports 2, its server counts 3"),
              std::string::npos);
}

TEST(CheckRules, DoNotCallDriftWhatAServerDidNotTell) {
    auto look = calm_look();
    look.counted.has_postgres = false;
    look.counted.ours.erase("chat:a:42:pg");
    EXPECT_EQ(of(check_looks({look}, {}), "drift").how, level::ok);
}

TEST(CheckRules, DoNotCompareWithWhatAWorkerSaidLongAgo) {
    auto look = calm_look();
    look.service->workers[0].age_ms = 60'000;
    look.counted.ours["chat:a:42:async"] = 5;
    EXPECT_EQ(of(check_looks({look}, {}), "drift").how, level::ok);
    EXPECT_EQ(of(check_looks({look}, {}), "workers").how, level::warning);
}

TEST(CheckRules, FindConnectionsOfDeadProcesses) {
    auto look = calm_look();
    look.counted.ours["chat:a:41:async"] = 4;
    look.counted.ours["chat:b:41:async"] = 4;   // another instance: its chatd knows
    look.counted.ours["other:a:41:async"] = 4;  // another service
    const auto found = of(check_looks({look}, {}), "dead processes");
    EXPECT_EQ(found.how, level::warning);
    EXPECT_NE(found.what.find("4 connections"), std::string::npos) << found.what;
}

TEST(CheckRules, FindCallersWaitingAtACap) {
    auto look = calm_look();
    look.service->workers[0].pools[0].size = 6;
    look.counted.ours["chat:a:42:async"] = 6;
    EXPECT_EQ(of(check_looks({look}, {}), "pools").how, level::ok) << "full, but nobody waits";
    look.service->workers[0].pools[0].waiting = 1;
    EXPECT_EQ(of(check_looks({look}, {}), "pools").how, level::warning);
    EXPECT_EQ(of(check_looks({look, calm_look()}, {}), "pools").how, level::ok);
}

// Its worker may run two executors.
check_look code_look() {
    auto look = calm_look();
    look.service->workers[0].executors = inspect::reported_executors{.max = 2, .running = 2};
    return look;
}

TEST(CheckRules, CountTheExecutorsAgainstTheirTerm) {
    auto look = code_look();
    look.counted.ours["chat:run-1:77:executor"] = 1;
    look.counted.ours["chat:run-2:78:executor"] = 1;
    look.counted.ours["other:run-3:79:executor"] = 1;  // another service's
    EXPECT_FALSE(may_pass(look));
    auto found = of(check_looks({look}, {}), "executors");
    EXPECT_EQ(found.how, level::ok);
    EXPECT_EQ(found.what,
              "2 connections of executors, at most 2; of this chatd 2 running, 0 waiting");

    look.counted.ours["chat:run-4:80:executor"] = 1;
    EXPECT_TRUE(may_pass(look));
    found = of(check_looks({look, look}, {}), "executors");
    EXPECT_EQ(found.how, level::warning);
    EXPECT_EQ(found.what, "3 connections of executors, the plan has 2");
    EXPECT_EQ(of(check_looks({look, code_look()}, {}), "executors").how, level::ok);

    look.counted.ours["chat:b:43:async"] = 1;  // another instance brings its own
    EXPECT_EQ(of(check_looks({look}, {}), "executors").how, level::ok);
}

TEST(CheckRules, FindExecutorsWhereNoCodeIsRun) {
    auto look = calm_look();
    EXPECT_EQ(of(check_looks({look}, {}), "executors").what, "none: this chatd runs no code");
    look.counted.ours["chat:run-1:77:executor"] = 1;
    EXPECT_EQ(of(check_looks({look}, {}), "executors").how, level::warning);
    look.counted.ours["chat:b:43:pg"] = 1;
    EXPECT_EQ(of(check_looks({look}, {}), "executors").what,
              "1 connection of executors, of other instances: this chatd runs no code");
}

TEST(CheckRules, FindAnExecutionWithMoreThanOneConnection) {
    auto look = code_look();
    look.counted.ours["chat:run-1:77:executor"] = 2;
    EXPECT_TRUE(may_pass(look));
    const auto found = of(check_looks({look}, {}), "executors");
    EXPECT_EQ(found.how, level::warning);
    EXPECT_NE(found.what.find("chat:run-1:77:executor"), std::string::npos) << found.what;
    EXPECT_EQ(of(check_looks({look, code_look()}, {}), "executors").how, level::ok)
        << "for a moment: while it is replaced";
}

TEST(CheckRules, DoNotTakeAnExecutionForADeadProcess) {
    auto look = code_look();
    look.counted.ours["chat:a:77:executor"] = 1;  // called like the instance
    EXPECT_EQ(of(check_looks({look}, {}), "dead processes").how, level::ok);
}

TEST(CheckRules, SayNothingOfExecutorsBeforeAWorkerHasSpoken) {
    auto look = code_look();
    look.service->workers[0].pools.clear();
    look.service->workers[0].executors.reset();
    look.counted.ours = {{"chat:run-1:77:executor", 1}};
    const auto all = check_looks({look}, {});
    EXPECT_EQ(std::ranges::find(all, std::string("executors"), &check::name), all.end());
}

TEST(CheckRules, FindNamesThatAreAlmostOurs) {
    auto look = calm_look();
    inspect::holder stranger;
    stranger.name = "chat:a:42:async:old";
    look.counted.add(stranger, seconds(60));
    EXPECT_EQ(of(check_looks({look}, {}), "names").how, level::warning);
}

TEST(CheckRules, CountStrangersAgainstABound) {
    auto look = calm_look();
    inspect::holder stranger;
    for (const auto* name : {"psql", "", ""}) {
        stranger.name = name;
        look.counted.add(stranger, seconds(60));
    }
    EXPECT_EQ(of(check_looks({look}, {}), "names").how, level::ok);
    check_bounds few;
    few.foreign_max = 2;
    EXPECT_EQ(of(check_looks({look}, few), "names").how, level::warning);
    few.foreign_max = 3;
    EXPECT_EQ(of(check_looks({look}, few), "names").how, level::ok);
}

TEST(CheckRules, FindSessionsIdleInATransactionForTooLong) {
    auto look = calm_look();
    inspect::holder session;
    session.name = "chat:a:42:pg";
    session.ours = parse_client_name(session.name);
    session.idle_in_transaction_for = seconds(60);
    look.counted.add(session, seconds(60));
    EXPECT_TRUE(look.counted.idle_in_transaction.empty());
    session.idle_in_transaction_for = seconds(61);
    look.counted.add(session, seconds(60));
    EXPECT_EQ(of(check_looks({look}, {}), "transactions").how, level::warning);
}

TEST(CheckRules, SayWhatAWorkerLacks) {
    auto look = calm_look();
    look.service->workers[0].is_ready = false;
    EXPECT_NE(of(check_looks({look}, {}), "workers").what.find("a server is away"),
              std::string::npos);
}

TEST(CheckRules, WarnOfAServiceWithoutWorkers) {
    auto look = calm_look();
    look.service->workers.clear();
    EXPECT_EQ(of(check_looks({look}, {}), "workers").how, level::warning);
}

TEST(CheckRules, LeaveOutWhatNobodyCouldTell) {
    check_look look;
    EXPECT_TRUE(check_looks({look}, {}).empty());
    look.counted.has_postgres = true;
    EXPECT_EQ(check_looks({look}, {}).size(), 2U);
}

TEST(Level, HidesNothingUnknownBehindAWarning) {
    EXPECT_EQ(worse(level::warning, level::unknown), level::unknown);
    EXPECT_EQ(worse(level::unknown, level::critical), level::critical);
    EXPECT_EQ(worse(level::ok, level::warning), level::warning);
}

}  // namespace
}  // namespace headroom::tool
