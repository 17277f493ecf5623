// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/docker_arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace headroom::chat {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

container_plan plan_of(std::string network = {}) {
    return {.image = "example.org/chat-executor:1",
            .network = std::move(network),
            .service = "shop:chat",
            .execution_id = "0f3a",
            .limits = {}};
}

// The word after an option that is there once.
std::string value_of(const std::vector<std::string>& words, std::string_view option) {
    EXPECT_EQ(std::ranges::count(words, option), 1) << option;
    const auto at = std::ranges::find(words, option);
    return at == words.end() || at + 1 == words.end() ? "" : *(at + 1);
}

TEST(DockerArguments, AreTheseWordForWord) {
    const std::vector<std::string> expected{
        "docker",
        "run",
        "--rm",
        "--interactive",
        "--pull",
        "never",
        "--name",
        "headroom-shop-chat-0f3a",
        "--label",
        "headroom.service=shop:chat",
        "--label",
        "headroom.execution=0f3a",
        "--hostname",
        "execution",
        "--network",
        "none",
        "--ipc",
        "private",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--cap-add",
        "CHOWN",
        "--cap-add",
        "DAC_OVERRIDE",
        "--cap-add",
        "KILL",
        "--cap-add",
        "SETGID",
        "--cap-add",
        "SETUID",
        "--security-opt",
        "no-new-privileges",
        "--tmpfs",
        "/tmp:rw,exec,nosuid,nodev,mode=1777,size=268435456,nr_inodes=14096",
        "--shm-size",
        "67108864",
        "--memory",
        "872415232",
        "--memory-swap",
        "872415232",
        "--pids-limit",
        "80",
        "--ulimit",
        "core=0:0",
        "--ulimit",
        "nofile=512:512",
        "--log-driver",
        "none",
        "--no-healthcheck",
        "--stop-timeout",
        "5",
        "--workdir",
        "/",
        "--entrypoint",
        "chat-executor",
        "example.org/chat-executor:1"};
    EXPECT_EQ(docker_run_arguments(plan_of()), expected);
    EXPECT_EQ(docker_kill_arguments(plan_of()),
              (std::vector<std::string>{"docker", "kill", "headroom-shop-chat-0f3a"}));
    EXPECT_EQ(docker_remove_arguments(plan_of()),
              (std::vector<std::string>{"docker", "rm", "--force", "headroom-shop-chat-0f3a"}));
}

TEST(DockerArguments, TakeTheNetworkThatWasNamed) {
    EXPECT_EQ(value_of(docker_run_arguments(plan_of("chat-events")), "--network"), "chat-events");
}

TEST(DockerArguments, NeverTakeAWallAway) {
    for (const std::string& word : docker_run_arguments(plan_of("chat-events"))) {
        EXPECT_THAT(word, Not(HasSubstr("privileged=")));
        EXPECT_NE(word, "--privileged");
        EXPECT_THAT(word, Not(HasSubstr("SYS_")));
        EXPECT_THAT(word, Not(HasSubstr("docker.sock")));
        EXPECT_THAT(word, Not(HasSubstr("unconfined")));
        EXPECT_NE(word, "host");
        EXPECT_NE(word, "--volume");
        EXPECT_NE(word, "--mount");
        EXPECT_NE(word, "--device");
        EXPECT_THAT(word, Not(StartsWith("--env")));
    }
}

TEST(DockerArguments, StayWhatDockerCanCountWithLimitsThatWouldWrap) {
    auto plan = plan_of();
    plan.limits.memory_bytes = UINT64_MAX;
    plan.limits.folder_bytes = UINT64_MAX;
    EXPECT_EQ(value_of(docker_run_arguments(plan), "--memory"), "9223372036854775807");
}

TEST(DockerArguments, RefuseAnImageThatIsAnOptionOrNoName) {
    EXPECT_TRUE(check_docker_image("chat-executor"));
    EXPECT_TRUE(check_docker_image("registry.example:5000/team/chat-executor@sha256:0123"));
    for (const std::string image :
         {"", "--privileged", "-v", "a b", "a\n", "a;b", "$(id)", "/etc"}) {
        const auto checked = check_docker_image(image);
        ASSERT_FALSE(checked) << image;
        EXPECT_THAT(checked.error().detail, HasSubstr("CHAT_EXECUTOR_DOCKER_IMAGE"));
    }
    EXPECT_FALSE(check_docker_image(std::string(256, 'a')));
}

TEST(DockerArguments, RefuseTheHostsNetworkAndThatOfAnotherContainer) {
    EXPECT_TRUE(check_docker_network(""));
    EXPECT_TRUE(check_docker_network("chat-events"));
    for (const std::string network : {"host", "container:redis", "--network", "a b"}) {
        const auto checked = check_docker_network(network);
        ASSERT_FALSE(checked) << network;
        EXPECT_THAT(checked.error().detail, HasSubstr("CHAT_EXECUTOR_DOCKER_NETWORK"));
    }
}

std::string refusal(int exit_code, std::string_view error_tail) {
    return explain_docker_refusal(exit_code, error_tail, plan_of("chat-events")).value_or("");
}

TEST(DockerArguments, ExplainEachRefusalAndItsRemedy) {
    EXPECT_THAT(refusal(125,
                        "docker: Cannot connect to the Docker daemon at unix:///x.sock. Is "
                        "the docker daemon running?"),
                HasSubstr("start it, or name it by DOCKER_HOST"));
    EXPECT_THAT(refusal(125,
                        "docker: permission denied while trying to connect to the Docker "
                        "daemon socket at unix:///var/run/docker.sock"),
                HasSubstr("group docker"));
    EXPECT_THAT(refusal(125, "docker: Error response from daemon: No such image: x:1"),
                HasSubstr("Docker has no image example.org/chat-executor:1: build it"));
    EXPECT_THAT(refusal(125, "docker: Error response from daemon: network chat-events not found."),
                HasSubstr("docker network create"));
    EXPECT_THAT(refusal(125,
                        "docker: Error response from daemon: Conflict. The container name "
                        "\"/headroom\" is already in use by container \"1\"."),
                HasSubstr("docker rm --force"));
    EXPECT_THAT(refusal(125, "something new"), HasSubstr("Docker refused"));
    EXPECT_THAT(refusal(126, ""), HasSubstr("is no program"));
    EXPECT_THAT(refusal(127, ""), HasSubstr("has no program chat-executor"));
    EXPECT_THAT(refusal(137, ""), HasSubstr("more memory than allowed"));
}

TEST(DockerArguments, LeaveTheExecutorsOwnExitCodesAlone) {
    for (const int code : {0, 1, 2})
        EXPECT_EQ(explain_docker_refusal(code, "", plan_of()), std::nullopt);
}

}  // namespace
}  // namespace headroom::chat
