// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "inspect/core/postgres_limits.hpp"
#include "inspect/core/redis_limits.hpp"

namespace headroom::inspect {
namespace {

redis_limits read(std::string_view info) {
    redis_limits limits;
    read_info(limits, redis_info::parse(info));
    return limits;
}

TEST(RedisLimits, AreReadFromInfo) {
    const auto limits = read(
        "# Server\r\nredis_version:7.0.15\r\nos:Linux 6.1\r\n# Clients\r\nconnected_clients:12\r\n"
        "maxclients:100\r\nblocked_clients:3\r\n# Stats\r\ntotal_connections_received:40\r\n"
        "rejected_connections:7\r\n# Replication\r\nrole:master\r\nconnected_slaves:2\r\n");
    EXPECT_EQ(limits.maxclients, 100U);
    EXPECT_EQ(limits.source, maxclients_source::info);
    EXPECT_EQ(limits.connected, 11U) << "without the one that asks";
    EXPECT_EQ(limits.rejected, 7U);
    EXPECT_EQ(limits.as_budget_limit().in_use, connection_count(13))
        << "links of replicas take places too";
    EXPECT_FALSE(limits.is_elasticache());
}

TEST(RedisLimits, LeaveOutWhatTheServerDoesNotTell) {
    const auto limits = read("redis_version:6.2.0\r\nos:Amazon ElastiCache\r\n");
    EXPECT_FALSE(limits.maxclients);
    EXPECT_EQ(limits.source, maxclients_source::unknown);
    EXPECT_FALSE(limits.connected);
    EXPECT_FALSE(limits.as_budget_limit().server);
    EXPECT_TRUE(limits.is_elasticache());
}

TEST(RedisInfo, TakesOnlyWholeNumbersForNumbers) {
    const auto info = redis_info::parse("a:12\r\nb:12x\r\nc:\r\nd:-1\r\ne:1:2\r\nno line\r\n");
    EXPECT_EQ(info.number("a"), 12U);
    EXPECT_FALSE(info.number("b"));
    EXPECT_FALSE(info.number("c"));
    EXPECT_FALSE(info.number("d"));
    EXPECT_EQ(info.text("e"), "1:2");
    EXPECT_FALSE(info.text("no line"));
}

postgres_limits server_of(std::uint64_t most, std::uint64_t sessions) {
    postgres_limits limits;
    limits.role = "app";
    limits.database = "chat";
    limits.max_connections = most;
    limits.reserved_superuser = 3;
    limits.sessions = sessions;
    return limits;
}

TEST(PostgresLimits, LeaveOutWhatIsReserved) {
    auto limits = server_of(100, 10);
    limits.reserved_provider = 2;
    const auto least = tightest(limits);
    EXPECT_EQ(least.name, "server");
    EXPECT_EQ(budget::usable(least.limit), connection_count(95));
    EXPECT_EQ(budget::free_now(least.limit), connection_count(85));
}

TEST(PostgresLimits, AreTightestWhereTheLeastRoomIs) {
    auto limits = server_of(100, 90);
    limits.role_limit = 20;
    limits.sessions_of_role = 15;
    limits.database_limit = 50;
    limits.sessions_of_database = 46;
    EXPECT_EQ(bounds_of(limits).size(), 3U);
    EXPECT_EQ(tightest(limits).name, "database");
    limits.sessions_of_database = 10;
    EXPECT_EQ(tightest(limits).name, "role");
    limits.sessions_of_role = 1;
    EXPECT_EQ(tightest(limits).name, "server");
}

TEST(PostgresLimits, OfRoleAndDatabaseDoNotBindASuperuser) {
    auto limits = server_of(100, 10);
    limits.role_limit = 1;
    limits.is_superuser = true;
    EXPECT_EQ(bounds_of(limits).size(), 1U);
}

}  // namespace
}  // namespace headroom::inspect
