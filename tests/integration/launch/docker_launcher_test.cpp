// SPDX-License-Identifier: Apache-2.0
// The program docker as a recording stand-in: what it is called with, that no secret is in it, and
// each way it fails.
#include <algorithm>

#include "chat/executor/core/docker_arguments.hpp"
#include "chat/executor/docker_launcher.hpp"
#include "config/redis_url.hpp"
#include "integration/launch/launch_world.hpp"

namespace headroom::chat {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* image = "chat-executor:test";

config::executor_settings docker_settings() {
    config::executor_settings settings;
    settings.launcher = config::launcher_kind::docker;
    settings.docker_image = image;
    settings.docker_network = "chat-events";
    return settings;
}

std::string with_ends(const std::vector<std::string>& words) {
    std::string joined;
    for (const std::string& word : words)
        joined += word + '\0';
    return joined;
}

class DockerLauncher : public testing::Test {
protected:
    void SetUp() override { world.use(world.make(docker_settings())); }
    void TearDown() override {
        world.stop();
        EXPECT_EQ(read_file("/proc/thread-self/children"), "");
    }
    static container_plan plan_of(const execution_request& what) {
        return {.image = image,
                .network = "chat-events",
                .service = "chat",
                .execution_id = what.execution_id,
                .limits = what.limits};
    }
    // What the stand-in was called with, the first time and so on; empty: it was not.
    [[nodiscard]] std::string argv(int number) const {
        return world.folder.read("call-" + std::to_string(number) + "/argv");
    }
    void refuse(int code, const std::string& text) const {
        world.folder.write("refusal", text);
        world.folder.write("refusal_code", std::to_string(code));
    }
    // Calls one that takes no order to stop, and cancels it once it runs.
    std::string failure_of_a_deaf_one(const execution_request& what) {
        auto& one = world.call(what);
        world.until([&] { return one.heard.started == 1; });
        one.give_up();
        world.until([&] { return one.outcome.has_value(); });
        return *one.outcome ? "" : one.outcome->error().detail;
    }

    launch_world world;
};

TEST_F(DockerLauncher, IsCalledWithTheseWordsAndGetsTheOrderByItsStandardInput) {
    const auto what = request_of("answer");
    auto& ann = world.call(what, in(30s), spec_with_password());
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    EXPECT_EQ(ann.heard.output, "hello\n");
    EXPECT_EQ(world.service->launcher_name(), "docker");
    EXPECT_EQ(argv(0), with_ends(docker_run_arguments(plan_of(what))));
    EXPECT_EQ(argv(1), "") << "docker is called once";
    auto as_sent = what;
    as_sent.is_in_container = true;
    EXPECT_EQ(world.folder.read("call-0/stdin"),
              to_line(execution_order{.what = as_sent, .comm = spec_with_password()}) + "\n");
}

TEST_F(DockerLauncher, ShowsThePasswordToNobodyButTheContainersStandardInput) {
    ASSERT_TRUE(world.outcome_of(request_of("tells"), in(30s), spec_with_password()));
    EXPECT_THAT(world.folder.read("call-0/stdin"), HasSubstr(password));
    fs::remove(world.folder.path() / "call-0/stdin");
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(world.folder.path())) {
        if (!entry.is_regular_file()) continue;
        ++files;
        EXPECT_THAT(read_file(entry.path()), Not(HasSubstr(password))) << entry.path();
    }
    EXPECT_GT(files, 10U);
    EXPECT_EQ(
        world.folder.read("call-0/environ"),
        with_ends({"PATH=" + world.folder.path().string() + ":/usr/bin:/bin", "LANG=C.UTF-8",
                   "HOME=" + world.folder.path().string(), "DOCKER_HOST=unix:///nowhere.sock"}));
}

TEST_F(DockerLauncher, SaysThatTheDaemonDoesNotAnswer) {
    refuse(125,
           "docker: Cannot connect to the Docker daemon at unix:///nowhere.sock. Is the docker "
           "daemon running?.\nSee 'docker run --help'.");
    EXPECT_THAT(world.failure_of(request_of("answer")),
                AllOf(HasSubstr("it could not be run: the Docker daemon does not answer: start "
                                "it, or name it by DOCKER_HOST: "),
                      HasSubstr("unix:///nowhere.sock")));
}

TEST_F(DockerLauncher, SaysThatThereIsNoSuchImage) {
    refuse(125, "docker: Error response from daemon: No such image: chat-executor:test.");
    EXPECT_THAT(world.failure_of(request_of("answer")),
                HasSubstr("Docker has no image chat-executor:test: build it from "
                          "packaging/chat-executor.Dockerfile"));
}

TEST_F(DockerLauncher, SaysThatTheImageHasNoExecutor) {
    refuse(127, "docker: Error response from daemon: exec: \"chat-executor\": not found.");
    EXPECT_THAT(world.failure_of(request_of("answer")), HasSubstr("has no program chat-executor"));
}

TEST_F(DockerLauncher, TellsTheExecutorsOwnEnd) {
    EXPECT_EQ(world.failure_of(request_of("dies")),
              "the executor ended without a report: it ended with exit code 3: first | something "
              "broke");
}

TEST_F(DockerLauncher, LetsACancelledOneReportAndKillsNothing) {
    auto& ann = world.call(request_of("runs"));
    world.until([&] { return ann.heard.started == 1; });
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    EXPECT_EQ((*ann.outcome)->stopped, execution_stop::cancelled);
    EXPECT_EQ(argv(1), "");
}

TEST_F(DockerLauncher, KillsTheContainerOfOneThatDoesNotListen) {
    const auto what = request_of("deaf");
    EXPECT_THAT(failure_of_a_deaf_one(what),
                HasSubstr("made no report: it was killed with its container"));
    EXPECT_EQ(argv(1), with_ends(docker_kill_arguments(plan_of(what))));
    EXPECT_EQ(argv(2), "");
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
}

TEST_F(DockerLauncher, RemovesAContainerThatCannotBeKilled) {
    world.folder.write("kill_fails", "");
    const auto what = request_of("deaf");
    EXPECT_NE(failure_of_a_deaf_one(what), "");
    EXPECT_EQ(argv(2), with_ends(docker_remove_arguments(plan_of(what))));
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
}

TEST_F(DockerLauncher, RemovesTheContainerWhenDockerItselfWasKilled) {
    const auto what = request_of("deaf");
    auto& ann = world.call(what);
    world.until([&] { return ann.heard.started == 1; });
    // The shell of the stand-in; the container, as it were, goes on.
    const auto children = read_file("/proc/thread-self/children");
    ::kill(std::atoi(children.c_str()), SIGKILL);
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_FALSE(*ann.outcome);
    EXPECT_THAT(ann.outcome->error().detail, HasSubstr("it was killed by signal 9"));
    EXPECT_EQ(argv(1), with_ends(docker_kill_arguments(plan_of(what))));
    EXPECT_EQ(argv(2), with_ends(docker_remove_arguments(plan_of(what))));
}

TEST(DockerLauncherThatHangs, IsKilledAfterItsCommandsHadTheirTime) {
    launch_world world;
    world.use(std::make_unique<docker_launcher>(
        world.loop.get_executor(), world.reaper,
        docker_options{.program = (world.folder.path() / "docker").string(),
                       .environment = {"PATH=/usr/bin:/bin"},
                       .image = image,
                       .network = {},
                       .service = "chat",
                       .command_time_max = 200ms}));
    world.folder.write("kill_hangs", "");
    auto& ann = world.call(request_of("deaf"));
    world.until([&] { return ann.heard.started == 1; });
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_FALSE(*ann.outcome);
    EXPECT_THAT(ann.outcome->error().detail, HasSubstr("it was killed by signal 9"));
    EXPECT_NE(world.folder.read("call-1/argv"), "");
    EXPECT_NE(world.folder.read("call-2/argv"), "");
    EXPECT_TRUE(is_gone(world.folder.told_pid()));
    EXPECT_EQ(read_file("/proc/thread-self/children"), "");
    world.stop();
}

TEST(LauncherChoice, RefusesDockerWithoutItsProgramItsImageOrAProperNetwork) {
    launch_world world;
    const auto refusal = [&](const config::executor_settings& settings) {
        const auto made = make_launcher(settings, world.surroundings());
        return made ? "" : made.error().detail;
    };
    EXPECT_EQ(refusal(docker_settings()), "");
    auto settings = docker_settings();
    settings.docker_image.clear();
    EXPECT_THAT(refusal(settings), HasSubstr("CHAT_EXECUTOR_DOCKER_IMAGE names no image"));
    settings.docker_image = "--privileged";
    EXPECT_THAT(refusal(settings), HasSubstr("is no name of an image"));
    settings = docker_settings();
    settings.docker_network = "host";
    EXPECT_THAT(refusal(settings), HasSubstr("may not be host"));
    auto around = world.surroundings();
    around.variables["PATH"] = "/nowhere";
    const auto made = make_launcher(docker_settings(), around);
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().detail, HasSubstr("there is no program docker in PATH"));
}

TEST(LauncherChoice, RefusesContainersThatCannotReachRedis) {
    config::redis_settings redis;
    const auto refusal = [&](config::launcher_kind kind) {
        config::executor_settings settings;
        settings.launcher = kind;
        const auto checked = check_executors_reach(settings, redis);
        return checked ? "" : checked.error().detail;
    };
    const auto docker = config::launcher_kind::docker;
    EXPECT_THAT(refusal(docker), HasSubstr("cannot reach the embedded Redis"));
    EXPECT_EQ(refusal(config::launcher_kind::child), "");
    redis.embedded = false;
    redis.address = config::unix_address{.path = "/run/redis.sock"};
    EXPECT_THAT(refusal(docker), HasSubstr("on a unix socket of this host"));
    redis.address = config::tcp_address{.host = "127.0.0.1", .port = config::redis_default_port};
    EXPECT_THAT(refusal(docker), HasSubstr("localhost is the container"));
    redis.address =
        config::tcp_address{.host = "redis.internal", .port = config::redis_default_port};
    EXPECT_EQ(refusal(docker), "");
}

TEST(LauncherChoice, FindsTheFolderOfItsOwnProgram) {
    const auto found = own_folder();
    ASSERT_TRUE(found);
    EXPECT_TRUE(fs::exists(fs::path(*found) / "integration_launch"));
}

}  // namespace
}  // namespace headroom::chat
