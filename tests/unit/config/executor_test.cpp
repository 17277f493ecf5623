// SPDX-License-Identifier: Apache-2.0
// Settings of executors.
#include <gtest/gtest.h>

#include "configuration.hpp"

namespace headroom::config {
namespace {

using std::chrono::milliseconds;

// With code switched on and a Redis that a container reaches.
environment code_on(environment further) {
    further.emplace("CHAT_BUNDLES", "echo,code");
    further.emplace("REDIS_URL", "redis://cache:6379");
    further.emplace("REDIS_MAX_CONNECTIONS", "6");
    return further;
}

TEST(ExecutorSettings, AreReadWithTheirUnits) {
    const executor_settings of = accepted(code_on({{"CHAT_EXECUTORS_MAX", "9"},
                                                   {"CHAT_EXECUTOR_UNSANDBOXED", "1"},
                                                   {"CHAT_EXECUTOR_WALL_SEC", "2.5"},
                                                   {"CHAT_EXECUTOR_CPU_SEC", "1"},
                                                   {"CHAT_EXECUTOR_MEMORY_MB", "64"},
                                                   {"CHAT_EXECUTOR_PROCESSES", "8"},
                                                   {"CHAT_EXECUTOR_OUTPUT_KB", "16"},
                                                   {"CHAT_EXECUTOR_FOLDER_MB", "32"}}))
                                     .executor;
    EXPECT_EQ(of.running_max, connection_count(9));
    EXPECT_EQ(of.launcher, launcher_kind::child);
    EXPECT_TRUE(of.unsandboxed);
    EXPECT_EQ(of.wall_time, milliseconds(2500));
    EXPECT_EQ(of.cpu_time, milliseconds(1000));
    EXPECT_EQ(of.memory_mib, 64U);
    EXPECT_EQ(of.processes, 8U);
    EXPECT_EQ(of.output_kib, 16U);
    EXPECT_EQ(of.folder_mib, 32U);
}

TEST(ExecutorSettings, HaveAFaultForEachVariableOutOfItsRange) {
    const environment bad{{"CHAT_EXECUTORS_MAX", "1001"},
                          {"CHAT_EXECUTOR_CPU_SEC", "0"},
                          {"CHAT_EXECUTOR_DOCKER_IMAGE", "--privileged"},
                          {"CHAT_EXECUTOR_DOCKER_NETWORK", "my net"},
                          {"CHAT_EXECUTOR_FOLDER_MB", "-1"},
                          {"CHAT_EXECUTOR_LAUNCHER", "ecs"},
                          {"CHAT_EXECUTOR_MEMORY_MB", "15"},
                          {"CHAT_EXECUTOR_OUTPUT_KB", "0"},
                          {"CHAT_EXECUTOR_PROCESSES", "0"},
                          {"CHAT_EXECUTOR_UNSANDBOXED", "perhaps"},
                          {"CHAT_EXECUTOR_WALL_SEC", "3601"}};
    names expected;
    for (const auto& [name, value] : bad)
        expected.push_back(name);
    names found = fault_names(bad);
    std::ranges::sort(found);
    EXPECT_EQ(found, expected);
    EXPECT_EQ(fault_names({{"CHAT_EXECUTORS_MAX", "0"}}), names{"CHAT_EXECUTORS_MAX"});
}

TEST(ExecutorSettings, NeedAnImageForDocker) {
    EXPECT_EQ(fault_names(code_on({{"CHAT_EXECUTOR_LAUNCHER", "docker"}})),
              names{"CHAT_EXECUTOR_DOCKER_IMAGE"});
    const settings of = accepted(code_on({{"CHAT_EXECUTOR_LAUNCHER", "docker"},
                                          {"CHAT_EXECUTOR_DOCKER_IMAGE", "run/code:1"},
                                          {"CHAT_EXECUTOR_DOCKER_NETWORK", "chat"}}));
    EXPECT_EQ(of.executor.launcher, launcher_kind::docker);
    EXPECT_EQ(of.executor.docker_image, "run/code:1");
    EXPECT_EQ(of.executor.docker_network, "chat");
    EXPECT_EQ(of.warnings, std::vector<std::string>{});
}

TEST(ExecutorSettings, RefuseDockerWhereNoContainerReachesRedisAndSayWhy) {
    for (const auto* url : {"", "unix:///run/redis.sock"}) {
        environment given{{"CHAT_BUNDLES", "code"},
                          {"CHAT_EXECUTOR_LAUNCHER", "docker"},
                          {"CHAT_EXECUTOR_DOCKER_IMAGE", "run/code:1"},
                          {"REDIS_URL", url}};
        const auto refused = loaded(given);
        ASSERT_FALSE(refused);
        ASSERT_EQ(refused.error().size(), 1U);
        EXPECT_EQ(refused.error()[0].name, "CHAT_EXECUTOR_LAUNCHER");
        EXPECT_NE(refused.error()[0].expected.find("which no container reaches"),
                  std::string::npos);
        given["REDIS_URL"] = "http://cache";
        EXPECT_EQ(fault_names(given), names{"REDIS_URL"}) << "where it is, is not known";
    }
}

TEST(ExecutorSettings, WarnOfAContainerThatCannotEmit) {
    environment given =
        code_on({{"CHAT_EXECUTOR_LAUNCHER", "docker"}, {"CHAT_EXECUTOR_DOCKER_IMAGE", "image"}});
    EXPECT_TRUE(warns_of(accepted(given), "CHAT_EXECUTOR_DOCKER_NETWORK is unset"));
    given["CHAT_EXECUTOR_DOCKER_NETWORK"] = "bridge";
    given["REDIS_URL"] = "redis://127.0.0.1:6379";
    EXPECT_TRUE(warns_of(accepted(given), "is the container itself"));
    given["CHAT_EXECUTOR_DOCKER_NETWORK"] = "host";
    EXPECT_EQ(accepted(given).warnings, std::vector<std::string>{});
}

TEST(ExecutorSettings, WarnWhenCodeMayRunWithoutWalls) {
    EXPECT_TRUE(warns_of(accepted(code_on({{"CHAT_EXECUTOR_UNSANDBOXED", "true"}})),
                         "CHAT_EXECUTOR_UNSANDBOXED is set"));
    EXPECT_FALSE(warns_of(accepted(code_on({})), "CHAT_EXECUTOR"));
}

TEST(ExecutorSettings, HaveNoEffectAndSayItWhileCodeIsOff) {
    const settings of =
        accepted({{"CHAT_EXECUTOR_LAUNCHER", "docker"}, {"CHAT_EXECUTORS_MAX", "2"}});
    EXPECT_TRUE(warns_of(of,
                         "CHAT_EXECUTORS_MAX, CHAT_EXECUTOR_LAUNCHER: no effect, because "
                         "CHAT_BUNDLES does not name code"));
}

TEST(ExecutorSettings, AreNotHeldAgainstAProcessThatRunsNoTurns) {
    const settings of = accepted(
        {{"CHAT_ROLE", "ingress"}, {"CHAT_BUNDLES", "code"}, {"CHAT_EXECUTOR_LAUNCHER", "docker"}});
    EXPECT_FALSE(warns_of(of, "CHAT_EXECUTOR"));
}

}  // namespace
}  // namespace headroom::config
