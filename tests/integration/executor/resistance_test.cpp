// SPDX-License-Identifier: Apache-2.0
// Programs that resist being watched, limited or ended.
#include <filesystem>

#include "base/ids.hpp"
#include "execution_world.hpp"
#include "net/deadline.hpp"

namespace headroom::test {
namespace {

using namespace std::chrono_literals;
using chat::execution_stop;

std::string daemon_named(const std::string& word) {
    return "(setsid bash -c 'trap \"\" HUP TERM; while :; do sleep 1; done; : " + word +
           "' > /dev/null 2>&1 &)\n";
}

TEST(Resistance, ByHidingEntriesInFoldersThatNobodyMayReadIsSeen) {
    execution_world world;
    for (const std::string folder : {"d", "."}) {
        auto what = bash("mkdir -p d; chmod 300 " + folder + "; i=0; while :; do : > " + folder +
                         "/$((i++)); done");
        what.limits.folder_entries = 500;
        what.limits.wall_time = 10s;
        const auto seen = world.run(what);
        EXPECT_EQ(seen.end.stopped, execution_stop::folder) << folder << seen.told();
    }
}

TEST(Resistance, ByGoingDeeperThanOneLooksIsSeen) {
    execution_world world;
    auto what = python("import os\nwhile True:\n  os.mkdir('d'); os.chdir('d')\n");
    what.limits.folder_entries = 1'000'000;
    what.limits.wall_time = 10s;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.end.stopped, execution_stop::folder) << seen.told();
}

TEST(Resistance, ByThreadsInsteadOfProcessesIsSeen) {
    execution_world world;
    auto what = python(
        "import threading, signal\n"
        "for _ in range(20): threading.Thread(target=signal.pause, daemon=True).start()\n"
        "signal.pause()\n");
    what.limits.processes = 16;
    const auto seen = world.run(what);
    // Beyond the watch's bound lies the kernel's, a few later.
    EXPECT_EQ(seen.end.stopped, execution_stop::processes) << seen.told();
}

TEST(Resistance, ByStoppingItselfEndsAtTheWallTime) {
    execution_world world;
    auto what = bash("kill -STOP $$");
    what.limits.wall_time = 300ms;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.end.stopped, execution_stop::wall_time) << seen.told();
    EXPECT_EQ(seen.end.signal, 9);
}

TEST(Resistance, ByIgnoringItsChildrenDoesNotHideTheirProcessorTime) {
    execution_world world;
    auto what = python(
        "import os, signal\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "while True:\n"
        "  if os.fork() == 0:\n"
        "    x = 0\n"
        "    while x < 3000000: x += 1\n"
        "    os._exit(0)\n"
        "  try: os.wait()\n"
        "  except ChildProcessError: pass\n");
    what.limits.cpu_time = 1s;
    what.limits.wall_time = 20s;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.end.stopped, execution_stop::cpu_time) << seen.told();
}

// Root's chat-executor-init is out of the code's reach; an ordinary user's is not, and then
// chat-executor itself takes what is left.
TEST(WithoutASandbox, NothingIsLeftOfAProgramThatKillsOrStopsItsInit) {
    execution_world world;
    for (const std::string signal : {"KILL", "STOP"}) {
        const auto word = "lives-on-" + random_hex(6);
        auto what = bash(daemon_named(word) + "kill -" + signal + " $PPID\nsleep 600");
        what.is_in_container = true;
        what.limits.wall_time = 1s;
        const auto seen = world.run(what);
        EXPECT_EQ(seen.end.signal, 9) << signal << seen.told();
        EXPECT_TRUE(is_gone(word)) << signal;
        EXPECT_LT(seen.end.wall_time, 8s) << signal;
    }
}

TEST(WithoutASandbox, TheEnvironmentAndTheDescriptorsAreTheSame) {
    execution_world world;
    auto what = python(
        "import os\n"
        "print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:5])\n"
        "print(' '.join(sorted(k for k in os.environ if k != 'LC_CTYPE')))\n"
        "print(os.getcwd() == os.environ['CHAT_WORK_DIR'])\n"
        "os.system('chat-emit hello')\n"
        "open(os.environ['TMPDIR'] + '/x', 'w').close()\n"
        "open(os.environ['CHAT_OUTPUT_DIR'] + '/kept', 'w').close()\n");
    what.is_in_container = true;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.output,
              "[0, 1, 2, 3, 4]\nCHAT_EVENTS_FD CHAT_EXECUTION_ID CHAT_OUTPUT_DIR CHAT_WORK_DIR "
              "HOME LANG PATH TMPDIR\nTrue\n")
        << "the last descriptor is that of the listing itself" << seen.told();
    EXPECT_EQ(seen.events, "hello\n");
    EXPECT_EQ(seen.files.size(), 1U);
    EXPECT_EQ(seen.walls.own_user, ::geteuid() == 0);
}

TEST(TwoExecutions, SeeNothingOfEachOther) {
    execution_world world;
    const auto mark = "mark-" + random_hex(6);
    auto first = chat::program_run::start(
        world.loop().get_executor(),
        bash("touch " + mark + " $CHAT_OUTPUT_DIR/" + mark + " /tmp/" + mark + "; sleep 600"),
        world.programs());
    ASSERT_TRUE(first.has_value()) << first.error().detail;
    const auto second =
        world.run(bash("find / -path /usr -prune -o -path /proc -prune -o -name '" + mark +
                       "' -print 2>/dev/null\n"
                       "grep -lza " +
                       mark +
                       " /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null\n"
                       "ls -d /proc/[0-9]* | wc -l"));
    // Its own: init, bash, ls, wc and a shell that starts them.
    EXPECT_LE(std::stoi(second.output), 6) << second.told();
}

TEST(ARunThatIsGivenUp, LeavesNoProcessAndNoFolder) {
    execution_world world;
    for (const bool is_in_container : {false, true}) {
        const auto word = "lives-on-" + random_hex(6);
        auto what = bash(daemon_named(word) + "sleep 600");
        what.is_in_container = is_in_container;
        auto started =
            chat::program_run::start(world.loop().get_executor(), what, world.programs());
        ASSERT_TRUE(started.has_value()) << started.error().detail;
        EXPECT_TRUE(
            run_on(world.loop(), wait_until([&] { return processes_with(word) > 0; }, in(10s))));
        started->reset();
        EXPECT_EQ(processes_with(word), 0U) << "all is gone when the destructor returns";
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator("/tmp", ignored)) {
            std::ifstream source(entry.path() / "work" / "program.sh");
            const std::string text(std::istreambuf_iterator<char>(source), {});
            EXPECT_FALSE(text.contains(word)) << entry.path();
        }
    }
}

}  // namespace
}  // namespace headroom::test
