// SPDX-License-Identifier: Apache-2.0
// Every limit is reached once, and every kind of end told.
#include "execution_world.hpp"

namespace headroom::test {
namespace {

using namespace std::chrono_literals;
using chat::execution_stop;

TEST(ProgramEnd, IsTheSignalOrTheExitCodeAndNeverTheOneForTheOther) {
    execution_world world;
    const auto exited = world.run(bash("exit 137"));
    EXPECT_EQ(exited.end.exit_code, 137) << exited.told();
    EXPECT_EQ(exited.end.signal, std::nullopt);
    const auto killed = world.run(bash("kill -KILL $$"));
    EXPECT_EQ(killed.end.exit_code, std::nullopt) << killed.told();
    EXPECT_EQ(killed.end.signal, 9);
    EXPECT_EQ(killed.end.stopped, std::nullopt) << "nobody but itself ended it";
    const auto crashed = world.run(python("import os\nos.abort()"));
    EXPECT_EQ(crashed.end.signal, 6) << crashed.told();
}

TEST(ProgramEnd, SaysWhyAProgramWasNotExecuted) {
    execution_world world;
    const auto absent = world.run(program({"/usr/bin/no-such-program"}));
    EXPECT_EQ(absent.end.exit_code, std::nullopt) << absent.told();
    EXPECT_NE(absent.end.start_error.find("No such file"), std::string::npos) << absent.told();
    const auto folder = world.run(program({"/usr"}));
    EXPECT_NE(folder.end.start_error.find("Permission denied"), std::string::npos) << folder.told();
}

TEST(ProgramEnd, IsAskedForByWhoStopsIt) {
    execution_world world;
    const auto seen = world.run(bash("trap '' TERM INT HUP; echo ready; while :; do :; done"),
                                [](chat::program_run& running) -> boost::asio::awaitable<void> {
                                    running.stop(execution_stop::cancelled);
                                    running.stop(execution_stop::orphaned);
                                    co_return;
                                });
    EXPECT_EQ(seen.end.stopped, execution_stop::cancelled) << "the first reason counts";
    EXPECT_EQ(seen.end.signal, 9) << seen.told();
}

execution_result run_within(execution_world& world, chat::execution_request what,
                            execution_stop expected) {
    auto seen = world.run(what);
    EXPECT_EQ(seen.end.stopped, expected) << seen.told();
    return seen;
}

TEST(ExecutionLimits, EndWhatTakesTooLong) {
    execution_world world;
    auto what = bash("sleep 600");
    what.limits.wall_time = 300ms;
    const auto seen = run_within(world, what, execution_stop::wall_time);
    EXPECT_GE(seen.end.wall_time, 300ms);
    EXPECT_LT(seen.end.wall_time, 3s);
}

TEST(ExecutionLimits, EndWhatComputesTooMuchInOneProcess) {
    execution_world world;
    auto what = bash("while :; do :; done");
    what.limits.cpu_time = 1s;
    (void)run_within(world, what, execution_stop::cpu_time);
}

TEST(ExecutionLimits, EndWhatComputesTooMuchInShortLivedChildren) {
    execution_world world;
    auto what = bash("while :; do (for i in {1..20000}; do :; done); done");
    what.limits.cpu_time = 1s;
    (void)run_within(world, what, execution_stop::cpu_time);
}

TEST(ExecutionLimits, RefuseMemoryToOneProcess) {
    execution_world world;
    auto what = python(
        "try:\n  x = bytearray(400 * 1024 * 1024)\nexcept MemoryError:\n"
        "  print('refused')");
    what.limits.memory_bytes = 64 * mib;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.output, "refused\n") << seen.told();
    EXPECT_EQ(seen.end.stopped, std::nullopt);
}

TEST(ExecutionLimits, EndWhatUsesTooMuchMemoryInManyProcesses) {
    execution_world world;
    auto what = python(
        "import os, signal, threading\n"
        "for _ in range(16):\n"
        "  if os.fork() == 0:\n"
        "    x = bytearray(os.urandom(1024 * 1024) * 40)\n"
        "    signal.pause()\n"
        "signal.pause()");
    what.limits.memory_bytes = 128 * mib;
    const auto seen = run_within(world, what, execution_stop::memory);
    EXPECT_GT(seen.end.memory_bytes, 128 * mib);
}

TEST(ExecutionLimits, CountPagesThatForksShareOnce) {
    execution_world world;
    auto what = python(
        "import os, signal, threading\n"
        "x = bytearray(os.urandom(1024 * 1024) * 60)\n"
        "children = []\n"
        "for _ in range(10):\n"
        "  pid = os.fork()\n"
        "  if pid == 0:\n"
        "    threading.Event().wait(0.5)\n"
        "    os._exit(0)\n"
        "  children.append(pid)\n"
        "for pid in children: os.waitpid(pid, 0)\n"
        "print('done')");
    what.limits.memory_bytes = 200 * mib;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.output, "done\n") << seen.told();
}

TEST(ExecutionLimits, BoundWhatIsWrittenToOneFile) {
    execution_world world;
    auto what = bash("head -c 10M /dev/zero > big; echo $?; stat -c %s big");
    what.limits.file_bytes = mib;
    const auto seen = world.run(what);
    EXPECT_NE(seen.output.find("1048576"), std::string::npos) << seen.told();
}

TEST(ExecutionLimits, EndWhatFillsItsFolders) {
    execution_world world;
    auto what = bash("i=0; while :; do head -c 1M /dev/urandom > $CHAT_OUTPUT_DIR/$((i++)); done");
    what.limits.folder_bytes = 8 * mib;
    (void)run_within(world, what, execution_stop::folder);
    auto many = bash("i=0; while :; do : > $((i++)); done");
    many.limits.folder_entries = 500;
    (void)run_within(world, many, execution_stop::folder);
}

TEST(ExecutionLimits, EndWhatWritesToAFileThatItHasDeleted) {
    execution_world world;
    auto what = python(
        "import os\n"
        "f = open('gone', 'wb')\n"
        "os.unlink('gone')\n"
        "while True:\n"
        "  f.write(os.urandom(1024 * 1024))\n"
        "  f.flush()\n"
        "  os.fsync(f.fileno())\n"
        "  f.seek(0) if f.tell() > 6 * 1024 * 1024 else None\n");
    what.limits.folder_bytes = 8 * mib;
    what.limits.file_bytes = 8 * mib;
    (void)run_within(world, what, execution_stop::folder);
}

TEST(ExecutionLimits, RefuseMoreOpenFilesAndLeaveNoCore) {
    execution_world world;
    auto what = python(
        "import os, resource\n"
        "held = []\n"
        "try:\n"
        "  while True: held.append(os.open('/dev/null', os.O_RDONLY))\n"
        "except OSError as e: print('files', len(held) < 64, e.errno)\n"
        "for f in held: os.close(f)\n"
        "print('core', resource.getrlimit(resource.RLIMIT_CORE))\n");
    what.limits.open_files = 64;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.output, "files True 24\ncore (0, 0)\n") << seen.told();
}

TEST(ExecutionFiles, AreListedByNameAndNotFollowed) {
    execution_world world;
    auto what = bash(
        "cd $CHAT_OUTPUT_DIR; printf 12345 > b.txt; mkdir -p sub/deep; printf 1 > sub/deep/a; "
        "ln -s /etc/passwd link; ln -s /etc folder; mkfifo pipe; printf x > $'line\\nbreak'");
    const auto seen = world.run(what);
    std::vector<std::string> names;
    for (const auto& each : seen.files)
        names.push_back(each.name + " " + std::to_string(each.bytes));
    ASSERT_EQ(names.size(), 3U) << seen.told();
    EXPECT_EQ(names[0], "b.txt 5");
    EXPECT_TRUE(names[1].starts_with("line") && names[1].find('\n') == std::string::npos);
    EXPECT_EQ(names[2], "sub/deep/a 1");
}

TEST(ExecutionFiles, BeyondTheListAreCounted) {
    execution_world world;
    auto what = bash("cd $CHAT_OUTPUT_DIR; for i in {1..30}; do : > f$i; done");
    what.limits.files_listed = 10;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.files.size(), 10U) << seen.told();
    EXPECT_EQ(seen.files_not_listed, 20U);
}

TEST(ExecutionRequest, IsRefusedForAnEnvironmentThatIsNotTheCodes) {
    execution_world world;
    for (const auto* name : {"LD_PRELOAD", "CHAT_EVENTS_FD", "lower", "A=B", ""}) {
        auto what = bash("env");
        what.environment[name] = "x";
        EXPECT_NE(world.run(what).refused, "") << name;
    }
    auto fine = bash("echo $GREETING");
    fine.environment["GREETING"] = "hello";
    EXPECT_EQ(world.run(fine).output, "hello\n");
}

}  // namespace
}  // namespace headroom::test
