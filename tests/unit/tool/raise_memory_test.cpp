// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/raise_memory.hpp"

#include <gtest/gtest.h>

namespace headroom::tool {
namespace {

constexpr std::uint64_t mib = 1ULL << 20;

std::uint64_t bytes_of(const memory_need& need, const char* key) {
    return need.as_json.at(key).to_number<std::uint64_t>();
}

TEST(RaiseMemory, IsThatOfTheSessionsThatComeOnTop) {
    inspect::postgres_limits told;
    told.work_mem_bytes = 4 * mib;
    told.shared_buffers_bytes = 128 * mib;
    const auto need = postgres_memory(300, 100, told, false);
    EXPECT_EQ(need.heading, "What 200 sessions more need, from 100 to 300");
    EXPECT_EQ(bytes_of(need, "connections"), 200U);
    EXPECT_EQ(bytes_of(need, "fresh_bytes"), 400 * mib);
    EXPECT_EQ(bytes_of(need, "sort_bytes"), 800 * mib);
    EXPECT_EQ(bytes_of(need, "shared_buffers_bytes"), 128 * mib);
    EXPECT_TRUE(need.as_json.at("rds_allowance_bytes").is_null());
}

TEST(RaiseMemory, IsThatOfAllSessionsForTheAllowanceOfRds) {
    const auto need = postgres_memory(300, 100, std::nullopt, true);
    EXPECT_EQ(bytes_of(need, "rds_allowance_bytes"), 300U * 9'531'392U);
    EXPECT_TRUE(need.as_json.at("sort_bytes").is_null());
}

TEST(RaiseMemory, IsThatOfOneWhereNoNumberIsWanted) {
    EXPECT_EQ(bytes_of(postgres_memory(std::nullopt, 100, std::nullopt, false), "fresh_bytes"),
              2 * mib);
    EXPECT_EQ(bytes_of(redis_memory(std::nullopt, std::nullopt), "client_bytes"), 20U * 1024);
}

TEST(RaiseMemory, IsNoneWhereTheServerHasRoomAlready) {
    EXPECT_EQ(bytes_of(redis_memory(100, 10'000), "client_bytes"), 0U);
}

TEST(RdsClass, IsEnoughUpToItsDefault) {
    EXPECT_EQ(judge_rds_class("db.m6g.large", 700, "chat-db").how, level::ok);
}

TEST(RdsClass, IsSmallAboveItsDefaultAndTheNextIsNamed) {
    const auto judged = judge_rds_class("db.t4g.small", 300, "chat-db");
    EXPECT_EQ(judged.how, level::warning);
    EXPECT_NE(judged.advice.find("db.t4g.medium"), std::string::npos) << judged.advice;
    EXPECT_NE(judged.advice.find("--db-instance-identifier chat-db"), std::string::npos);
}

TEST(RdsClass, IsTooSmallWhereFreshSessionsAloneFillTheMemory) {
    EXPECT_EQ(judge_rds_class("db.t4g.micro", 384, "chat-db").how, level::warning);
    EXPECT_EQ(judge_rds_class("db.t4g.micro", 385, "chat-db").how, level::critical);
}

TEST(RdsClass, HasNoSuccessorBeyondTheDefaultOfAny) {
    const auto judged = judge_rds_class("db.r6g.4xlarge", 6'000, "chat-db");
    EXPECT_EQ(judged.how, level::warning);
    EXPECT_NE(judged.advice.find("never exceeds 5000"), std::string::npos) << judged.advice;
}

TEST(RdsClass, IsNotJudgedWhenTheTableDoesNotHaveIt) {
    const auto judged = judge_rds_class("db.x9z.large", 300, "chat-db");
    EXPECT_EQ(judged.how, level::ok);
    EXPECT_NE(judged.what.find("not in this version's table"), std::string::npos);
}

}  // namespace
}  // namespace headroom::tool
