// SPDX-License-Identifier: Apache-2.0
// What a child executor is given and what it is not, and that it ends with its worker.
#include <sys/wait.h>

#include "integration/launch/launch_world.hpp"

namespace headroom::chat {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ChildLauncher, GivesItsProgramThreeVariablesThreeDescriptorsAndNoSecret) {
    launch_world world;
    world.use_child();
    const auto outcome = world.outcome_of(request_of("tells"), in(30s), spec_with_password());
    ASSERT_TRUE(outcome) << outcome.error().what();
    const std::string path = world.folder.path().string();
    EXPECT_EQ(world.folder.read("environ"), "PATH=" + path + ":/usr/bin:/bin" +
                                                std::string(1, '\0') + "LANG=C.UTF-8" +
                                                std::string(1, '\0'));
    EXPECT_EQ(world.folder.read("cmdline"), "/bin/sh\n" + path + "/chat-executor\n");
    // The fourth is the folder that ls reads.
    EXPECT_EQ(world.folder.read("fd"), "0\n1\n2\n3\n");
    world.stop();
}

TEST(ChildLauncher, SaysAtTheStartThatItsProgramIsNotThere) {
    launch_world world;
    fs::remove(world.folder.path() / "chat-executor");
    const auto made = make_launcher(config::executor_settings{}, world.surroundings());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().detail, world.folder.path().string() +
                                       "/chat-executor is no program: install chat-executor "
                                       "beside chatd");
}

TEST(ChildLauncher, SaysWhyItsProgramCannotBeStarted) {
    launch_world world;
    world.use_child();
    world.folder.write_program("chat-executor", "#!/no/such/interpreter\n");
    EXPECT_THAT(world.failure_of(request_of("answer")),
                HasSubstr("the executor could not be started: " + world.folder.path().string() +
                          "/chat-executor cannot be executed: No such file"));
    EXPECT_EQ(world.service->stats().failed, 1U);
    world.stop();
}

TEST(ChildLauncher, StartsEveryOneOfALineThatCannotBeStarted) {
    launch_world world({.running_max = 1, .waiting_max = 500});
    world.use_child();
    world.folder.write_program("chat-executor", "#!/no/such/interpreter\n");
    for (int count = 0; count < 500; ++count)
        (void)world.call(request_of("answer"));
    world.until([&] { return world.service->stats().failed == 500; }, 50s);
    world.stop();
}

// In a process of its own, which is then killed as a worker may be.
[[noreturn]] void be_a_worker(const fs::path& folder) {
    asio::io_context loop{1};
    child_reaper reaper(loop.get_executor());
    auto launcher = make_launcher({}, {.loop = loop.get_executor(),
                                       .reaper = reaper,
                                       .own_folder = folder.string(),
                                       .service = "chat",
                                       .variables = {{"PATH", "/usr/bin:/bin"}}});
    executor_service service(loop.get_executor(), std::move(*launcher), {});
    recording_listener heard;
    asio::co_spawn(loop, service.run(request_of("deaf"), {}, heard, in(50s)),
                   [](std::exception_ptr, const result<ended_report>&) {});
    loop.run();
    std::_Exit(1);
}

TEST(ChildLauncher, EndsItsProgramWithAKilledWorker) {
    stand_in_folder folder;
    const pid_t worker = ::fork();
    if (worker == 0) be_a_worker(folder.path());
    ASSERT_GT(worker, 0);
    const auto waits_for = [](const std::function<bool()>& condition) {
        return test::run_on_loop(test::wait_until(condition, in(20s)));
    };
    ASSERT_TRUE(waits_for([&] { return folder.told_pid() != 0; }));
    EXPECT_FALSE(is_gone(folder.told_pid()));
    ::kill(worker, SIGKILL);
    ASSERT_EQ(::waitpid(worker, nullptr, 0), worker);
    const pid_t program = folder.told_pid();
    EXPECT_TRUE(waits_for([program] { return is_gone(program); }));
    if (!is_gone(program)) ::kill(program, SIGKILL);
}

}  // namespace
}  // namespace headroom::chat
