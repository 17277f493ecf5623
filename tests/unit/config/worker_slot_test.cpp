// SPDX-License-Identifier: Apache-2.0
// What a supervisor hands to its workers, and what they make of it.
#include "config/worker_slot.hpp"

#include "configuration.hpp"

namespace headroom::config {
namespace {

// The environment that a worker would be started with, as it would read it.
environment received(const std::vector<std::string>& entries) {
    environment variables;
    for (const std::string& entry : entries) {
        const std::size_t equals = entry.find('=');
        variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return variables;
}

const worker_slot third{.index = 2, .listen_fd = 5, .status_fd = 9};

TEST(WorkerSlot, ArrivesAsItWasSent) {
    EXPECT_EQ(read_worker_slot(received(worker_environment({}, {}, third))).value(), third);
}

TEST(WorkerSlot, IsAbsentWithoutItsVariables) {
    EXPECT_EQ(read_worker_slot({{"PATH", "/bin"}}).value(), std::nullopt);
}

TEST(WorkerSlot, IsRefusedWhenItIsNotWhole) {
    const auto half =
        read_worker_slot({{"HEADROOM_WORKER_INDEX", "1"}, {"HEADROOM_LISTEN_FD", "2"}});
    ASSERT_FALSE(half);
    ASSERT_EQ(half.error().size(), 2U);
    EXPECT_EQ(half.error()[0].name, "HEADROOM_LISTEN_FD");
    EXPECT_EQ(half.error()[1].name, "HEADROOM_STATUS_FD");
}

TEST(WorkerEnvironment, ReplacesAddsAndRemoves) {
    const environment got = received(worker_environment(
        {{"A", "1"}, {"B", "2"}, {"C", "3"}}, {{"A", "x"}, {"B", ""}, {"D", "4"}}, third));
    EXPECT_EQ(got.at("A"), "x");
    EXPECT_FALSE(got.contains("B"));
    EXPECT_EQ(got.at("C"), "3");
    EXPECT_EQ(got.at("D"), "4");
}

TEST(WorkerEnvironment, PointsToTheEmbeddedServersWhateverElseIsSaid) {
    const environment own{
        {"REDIS_PASSWORD", "stray"}, {"PGUSER", "stray"}, {"POSTGRES_PASSWORD", "x"},
        {"PGSSLMODE", "require"},    {"PGPORT", "1"},     {"REDIS_MAX_CONNECTIONS", "6"}};
    environment overrides = embedded_redis("/tmp/hr x/redis.sock");
    overrides.merge(embedded_postgres("/tmp/hr x", "headroom", "chat"));
    const settings of = accepted(received(worker_environment(own, overrides, third)));

    EXPECT_FALSE(of.redis.embedded);
    EXPECT_EQ(std::get<unix_address>(of.redis.address).path, "/tmp/hr x/redis.sock");
    EXPECT_TRUE(of.redis.password.empty());
    EXPECT_FALSE(of.postgres.embedded);
    EXPECT_EQ(of.postgres.parameters,
              (std::vector<libpq_parameter>{
                  {"host", "/tmp/hr x"}, {"dbname", "headroom"}, {"user", "chat"}}));
    EXPECT_TRUE(of.postgres.password.empty());
    EXPECT_EQ(of.warnings, names{});
}

TEST(WorkerEnvironment, HandsOnTheDocumentInsteadOfTheFile) {
    const environment own{{"GATEWAY_YAML_PATH", "gateway.yaml"}};
    const settings supervisor = accepted(own, "limits: {max_queue_size: 12}");
    const environment got = received(worker_environment(own, same_gateway(supervisor), third));
    EXPECT_EQ(accepted(got, "limits: {max_queue_size: 99}").limits.max_queue_size, 12U);
}

}  // namespace
}  // namespace headroom::config
