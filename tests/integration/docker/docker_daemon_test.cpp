// SPDX-License-Identifier: Apache-2.0
// The launcher against a Docker daemon: built where one answered when the build was configured.
#include <algorithm>
#include <array>
#include <cstdio>

#include "chat/executor/core/docker_arguments.hpp"
#include "integration/launch/launch_world.hpp"
#include "support/private_redis.hpp"

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

// Its own, so that containers of others are not counted.
std::string service() {
    return "test" + std::to_string(::getpid());
}

config::executor_settings container_settings(std::string of_image) {
    config::executor_settings settings;
    settings.launcher = config::launcher_kind::docker;
    settings.docker_image = std::move(of_image);
    return settings;
}

// With the daemon of this test's own environment.
std::unique_ptr<executor_launcher> make_docker(launch_world& world,
                                               const config::executor_settings& settings) {
    auto around = world.surroundings();
    around.service = service();
    around.variables["PATH"] = variable("PATH");
    around.variables.erase("DOCKER_HOST");
    if (const auto daemon = variable("DOCKER_HOST"); !daemon.empty())
        around.variables["DOCKER_HOST"] = daemon;
    auto made = make_launcher(settings, around);
    if (!made) throw std::runtime_error(made.error().detail);
    return std::move(*made);
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
        make_image(image, own);
    }
    static void TearDownTestSuite() { remove_image(image); }
    static void make_image(const std::string& called, const fs::path& programs) {
        ASSERT_EQ(told_by(std::string(CONTAINER_IMAGE_SCRIPT) + " " + called + " " +
                          programs.string() + " 2>&1"),
                  "");
    }
    static void remove_image(const std::string& called) {
        (void)told_by("docker rmi --force " + called + " 2>&1");
    }
    void SetUp() override { use(image); }
    void TearDown() override {
        world.stop();
        const auto containers = [] {
            return told_by("docker ps --all --quiet --filter label=headroom.service=" + service());
        };
        world.until([&] { return containers().empty(); });
    }
    void use(const std::string& of_image) {
        world.use(make_docker(world, container_settings(of_image)));
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

// The program that is shipped, in an image of its own, running bash.
class ExecutorInContainer : public DockerDaemon {
public:
    static constexpr const char* own_image = "headroom-launch-test-executor:1";

    static void SetUpTestSuite() {
        stand_in_folder folder;
        const auto own = folder.path() / "image";
        fs::create_directory(own);
        const auto programs = fs::path(*own_folder());
        for (const std::string name : {"chat-executor", "chat-executor-init", "chat-emit"})
            fs::copy_file(programs / name, own / name);
        make_image(own_image, own);
    }
    static void TearDownTestSuite() { remove_image(own_image); }

protected:
    void SetUp() override { use(own_image); }

    static execution_request bash(std::string source) {
        auto what = request_of("");
        what.program.source = std::move(source);
        return what;
    }
};

TEST_F(ExecutorInContainer, RunsCodeAsNobodyWithoutPowersAndListsItsFiles) {
    auto& ann = world.call(bash(R"(id -u
grep -E '^(CapEff|NoNewPrivs):' /proc/self/status
ls /sys/class/net
cat /proc/1/environ 2>/dev/null && echo "sees its executor"
(echo x > /usr/x) 2>/dev/null && echo "the system is writable"
echo hello > "$CHAT_OUTPUT_DIR/hello.txt"
exit 3)"));
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    const auto& end = **ann.outcome;
    EXPECT_EQ(end.exit_code, 3) << end.start_error;
    EXPECT_EQ(ann.heard.output, "65534\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nlo\n");
    EXPECT_EQ(end.files, (std::vector<left_file>{{.name = "hello.txt", .bytes = 6}}));
}

TEST_F(ExecutorInContainer, KeepsTheLimitsOfTheOrder) {
    auto slow = bash("tail -f /dev/null");
    slow.limits.wall_time = 500ms;
    const auto stopped = world.outcome_of(slow);
    ASSERT_TRUE(stopped) << stopped.error().what();
    EXPECT_EQ(stopped->stopped, execution_stop::wall_time);

    auto hungry = bash("head -c 400000000 /dev/zero | tail");
    hungry.limits.memory_bytes = 100ULL << 20;
    const auto killed = world.outcome_of(hungry);
    ASSERT_TRUE(killed) << killed.error().what();
    EXPECT_TRUE(killed->stopped == execution_stop::memory || killed->exit_code != 0);
}

TEST_F(ExecutorInContainer, EndsCodeThatIsCancelled) {
    auto& ann = world.call(bash("tail -f /dev/null"));
    world.until([&] { return ann.heard.started == 1; });
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    EXPECT_EQ((*ann.outcome)->stopped, execution_stop::cancelled);
}

// A network of a test's own, whose gateway is this host.
class private_network {
public:
    private_network() : name_("headroom-test-" + std::to_string(::getpid())) {
        (void)told_by("docker network create " + name_ + " 2>&1");
        gateway_ = told_by(
            "docker network inspect --format "
            "'{{range .IPAM.Config}}{{.Gateway}}{{end}}' " +
            name_);
        if (gateway_.ends_with('\n')) gateway_.pop_back();
    }
    ~private_network() { (void)told_by("docker network rm " + name_ + " 2>&1"); }
    private_network(const private_network&) = delete;
    private_network& operator=(const private_network&) = delete;
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& gateway() const { return gateway_; }

private:
    std::string name_;
    std::string gateway_;
};

TEST(ExecutorInNetwork, OpensNoConnectionWhileSilentAndOneWhenItEmits) {
    const private_network network;
    test::private_redis redis({"--requirepass", password, "--bind", network.gateway()});
    ExecutorInContainer::SetUpTestSuite();
    launch_world world;
    config::executor_settings settings = container_settings(ExecutorInContainer::own_image);
    settings.docker_network = network.name();
    world.use(make_docker(world, settings));

    auto what = request_of("");
    what.program.source = R"(echo ready
until [ $SECONDS -ge 2 ]; do :; done
for name in one two three; do echo "{\"type\":\"step\",\"name\":\"$name\"}" >&$CHAT_EVENTS_FD; done
echo emitted
tail -f /dev/null)";
    auto comm = spec_with_password();
    comm.server.host = network.gateway();
    comm.server.port = redis.port();
    comm.execution_id = what.execution_id;
    const auto connections = [&] {
        const auto names = redis.client_names();
        return std::ranges::count_if(names, [&](const std::string& name) {
            return name.starts_with("chat:" + what.execution_id + ":") &&
                   name.ends_with(":executor");
        });
    };
    auto& ann = world.call(what, in(50s), comm);
    world.until([&] { return ann.heard.output == "ready\n"; });
    EXPECT_EQ(redis.client_names().size(), 0U);
    world.until([&] { return connections() == 1; });
    world.until([&] { return ann.heard.output == "ready\nemitted\n"; });
    EXPECT_EQ(connections(), 1);
    ann.give_up();
    world.until([&] { return ann.outcome.has_value(); });
    ASSERT_TRUE(*ann.outcome) << ann.outcome->error().what();
    EXPECT_EQ((*ann.outcome)->events, (emit_counts{.accepted = 3, .delivered = 3}));
    EXPECT_EQ(redis.client_names().size(), 0U);
    world.stop();
    ExecutorInContainer::TearDownTestSuite();
}

TEST_F(DockerDaemon, SaysThatThereIsNoSuchImage) {
    world.stop();
    use("headroom-no-such-image:1");
    EXPECT_THAT(world.failure_of(request_of("answer")),
                HasSubstr("Docker has no image headroom-no-such-image:1: build it from"));
}

}  // namespace
}  // namespace headroom::chat
