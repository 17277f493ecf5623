// SPDX-License-Identifier: Apache-2.0
// The launcher against a Docker daemon: built where one answered when the build was configured.
#include <array>
#include <cstdio>

#include "chat/executor/core/docker_arguments.hpp"
#include "integration/launch/launch_world.hpp"

namespace headroom::chat {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* image = "headroom-launch-test:1";

// The stand-in for chat-executor, with acts that look at the walls from inside.
constexpr const char* inside_script = R"sh(#!/bin/sh
say() { cat "/usr/local/bin/$1"; }
IFS= read -r order || { echo "no order came" >&2; exit 2; }
case $order in
*act:walls*)
    grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr '\t\n' '  ' >&2; echo >&2
    echo "interfaces: $(ls /sys/class/net | tr '\n' ' ')" >&2
    (echo x > /usr/x) 2>/dev/null && echo "the system is writable" >&2
    echo "variables: $(tr '\0' '\n' < /proc/1/environ | grep -o '^[A-Z_]*' | tr '\n' ' ')" >&2
    exit 7 ;;
*act:limits*)
    for file in memory/memory.limit_in_bytes pids/pids.max memory.max pids.max; do
        [ ! -e "/sys/fs/cgroup/$file" ] || cat "/sys/fs/cgroup/$file" >&2
    done
    exit 7 ;;
*act:runs*) say started; while IFS= read -r line; do say cancelled; done ;;
*act:waits*) say started; while IFS= read -r line; do :; done ;;
*act:deaf*) say started; exec tail -f /dev/null ;;
*) say started; say exited ;;
esac
)sh";

std::string told_by(const std::string& command) {
    std::array<char, 4096> piece{};
    std::string text;
    FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return "popen failed";
    while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe))
        text.append(piece.data(), size);
    return ::pclose(pipe) == 0 ? text : text + "(failed)";
}

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

class DockerDaemon : public testing::Test {
protected:
    static void SetUpTestSuite() {
        stand_in_folder folder;
        const auto own = folder.path() / "image";
        fs::create_directory(own);
        std::ofstream(own / "chat-executor") << inside_script;
        fs::permissions(own / "chat-executor", fs::perms::all);
        for (const std::string name : {"started", "exited", "cancelled"})
            fs::copy_file(folder.path() / name, own / name);
        ASSERT_EQ(told_by(std::string(CONTAINER_IMAGE_SCRIPT) + " " + image + " " + own.string() +
                          " 2>&1"),
                  "");
    }
    static void TearDownTestSuite() {
        (void)told_by(std::string("docker rmi --force ") + image + " 2>&1");
    }
    void SetUp() override { use(image); }
    void TearDown() override {
        world.stop();
        const auto containers = [] {
            return told_by("docker ps --all --quiet --filter label=headroom.service=" + service());
        };
        world.until([&] { return containers().empty(); });
    }
    // Its own, so that containers of others are not counted.
    static std::string service() { return "test" + std::to_string(::getpid()); }
    void use(const std::string& of_image) {
        config::executor_settings settings;
        settings.launcher = config::launcher_kind::docker;
        settings.docker_image = of_image;
        auto around = world.surroundings();
        around.service = service();
        around.variables["PATH"] = variable("PATH");
        around.variables["DOCKER_HOST"] = variable("DOCKER_HOST");
        if (variable("DOCKER_HOST").empty()) around.variables.erase("DOCKER_HOST");
        auto made = make_launcher(settings, around);
        ASSERT_TRUE(made) << made.error().detail;
        world.use(std::move(*made));
    }

    launch_world world;
};

TEST_F(DockerDaemon, RunsAnExecutionInAContainer) {
    const auto outcome = world.outcome_of(request_of("answer"));
    ASSERT_TRUE(outcome) << outcome.error().what();
    EXPECT_EQ(outcome->exit_code, 0);
}

TEST_F(DockerDaemon, LeavesNoNetworkNoWritableSystemAndFivePowers) {
    EXPECT_THAT(world.failure_of(request_of("walls")),
                // CHOWN 0, DAC_OVERRIDE 1, KILL 5, SETGID 6, SETUID 7.
                AllOf(HasSubstr("CapEff: 00000000000000e3 NoNewPrivs: 1 Seccomp: 2"),
                      HasSubstr("interfaces: lo | variables: PATH HOSTNAME HOME"),
                      Not(HasSubstr("writable"))));
}

TEST_F(DockerDaemon, BoundsMemoryAndProcessesOfTheContainer) {
    auto what = request_of("limits");
    what.limits.memory_bytes = 100ULL << 20;
    what.limits.folder_bytes = 20ULL << 20;
    what.limits.processes = 10;
    EXPECT_THAT(world.failure_of(what),
                HasSubstr(std::to_string((100ULL + 20 + 64) << 20) + " | 26"));
}

TEST_F(DockerDaemon, ShowsNoSecretInTheContainersDescription) {
    const auto what = request_of("runs");
    auto& ann = world.call(what, in(30s), spec_with_password());
    world.until([&] { return ann.heard.started == 1; });
    const auto shown =
        told_by("docker inspect headroom-" + service() + "-" + what.execution_id + " 2>&1");
    EXPECT_THAT(shown, AllOf(HasSubstr(what.execution_id), Not(HasSubstr(password))));
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    EXPECT_EQ((*ann.outcome)->stopped, execution_stop::cancelled);
}

TEST_F(DockerDaemon, KillsTheContainerOfOneThatDoesNotListen) {
    auto& ann = world.call(request_of("deaf"));
    world.until([&] { return ann.heard.started == 1; });
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_FALSE(*ann.outcome);
    EXPECT_THAT(ann.outcome->error().detail, HasSubstr("it was killed with its container"));
}

TEST_F(DockerDaemon, EndsTheContainerWhenDockerItselfIsKilled) {
    auto& ann = world.call(request_of("waits"));
    world.until([&] { return ann.heard.started == 1; });
    ::kill(std::atoi(read_file("/proc/thread-self/children").c_str()), SIGKILL);
    world.until([&] { return ann.outcome.has_value(); });
    EXPECT_THAT(ann.outcome->error().detail, HasSubstr("it was killed by signal 9"));
}

TEST_F(DockerDaemon, SaysThatThereIsNoSuchImage) {
    world.stop();
    use("headroom-no-such-image:1");
    EXPECT_THAT(world.failure_of(request_of("answer")),
                HasSubstr("Docker has no image headroom-no-such-image:1: build it from"));
}

}  // namespace
}  // namespace headroom::chat
