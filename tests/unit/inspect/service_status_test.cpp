// SPDX-License-Identifier: Apache-2.0
#include "inspect/service_status.hpp"

#include <gtest/gtest.h>

namespace headroom::inspect {
namespace {

TEST(ServiceStatus, IsReadFromTheAdminPortsAnswer) {
    const auto status = parse_service_status(
        R"({"service":"chat","instance":"host-1","version":"1","new":{},"workers":[
            {"pid":7,"state":"ready","ready":true,"age_ms":12,"pools":[
               {"kind":"async","cap":6,"size":2,"leased":1,"waiting":3},
               {"kind":"sync","cap":null,"size":0}],
             "executors":{"max":4,"running":3,"waiting":2,"started":9,"launcher":"child"}},
            {"pid":8,"state":"starting","ready":false,"age_ms":null}]})");
    ASSERT_TRUE(status) << status.error().what();
    ASSERT_EQ(status->workers.size(), 2U);
    const auto& first = status->workers.front();
    EXPECT_EQ(first.pid, 7);
    EXPECT_EQ(first.age_ms, 12U);
    ASSERT_NE(first.pool("async"), nullptr);
    EXPECT_EQ(first.pool("async")->cap, 6U);
    EXPECT_EQ(first.pool("async")->waiting, 3U);
    EXPECT_FALSE(first.pool("sync")->cap) << "null: unbounded";
    EXPECT_EQ(first.pool("pg"), nullptr);
    ASSERT_TRUE(first.executors);
    EXPECT_EQ(first.executors->max, 4U);
    EXPECT_EQ(first.executors->running, 3U);
    EXPECT_EQ(first.executors->waiting, 2U);
    EXPECT_FALSE(status->workers[1].age_ms);
    EXPECT_FALSE(status->workers[1].executors);
}

TEST(ServiceStatus, HasNoExecutorsWhereTheBundleIsOff) {
    const auto status = parse_service_status(
        R"({"service":"chat","instance":"a","workers":[{"pid":7,"pools":[],"executors":null}]})");
    ASSERT_TRUE(status) << status.error().what();
    EXPECT_FALSE(status->workers.front().executors);
}

TEST(ServiceStatus, RefusesWhatNoChatdSays) {
    for (const auto* text : {"", "[]", "{}", "<html>", R"({"service":"a","workers":[]})",
                             R"({"service":1,"instance":"x","workers":[]})"})
        EXPECT_FALSE(parse_service_status(text)) << text;
}

}  // namespace
}  // namespace headroom::inspect
