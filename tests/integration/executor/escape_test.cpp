// SPDX-License-Identifier: Apache-2.0
// Attempts to get out, each with what it got. The test is outside: what it plants there must stay
// unread and unharmed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <sstream>

#include "base/ids.hpp"
#include "execution_world.hpp"
#include "net/deadline.hpp"

namespace headroom::test {
namespace {

using namespace std::chrono_literals;
using chat::execution_stop;

void tell(const char* attempt, const execution_result& seen) {
    std::cout << attempt << ": " << (seen.output.empty() ? seen.told() : seen.output.substr(0, 300))
              << "\n";
}

TEST(Escape, ByAForkBombIsBoundedAndEnded) {
    execution_world world;
    const auto word = "bomb-" + random_hex(6);
    // The word is in the command line of every copy.
    auto what = program(
        {"/usr/bin/bash", "-c", ": " + word + "; bomb() { bomb | bomb & }; bomb; sleep 600"});
    what.limits.wall_time = 3s;
    std::size_t most = 0;
    const auto seen = world.run(what, [&](chat::program_run&) -> boost::asio::awaitable<void> {
        for (int i = 0; i < 20; ++i) {
            most = std::max(most, processes_with(word));
            co_await net::sleep_until(clock::now() + 50ms);
        }
    });
    EXPECT_TRUE(seen.end.stopped == execution_stop::processes ||
                seen.end.stopped == execution_stop::wall_time ||
                seen.end.stopped == execution_stop::cpu_time || seen.end.exit_code.has_value())
        << seen.told();
    // The kernel's bound lies a few beyond ours, so that ours is the reason that is told; bwrap and
    // chat-executor-init have the word in their command lines too.
    EXPECT_LE(most, what.limits.processes + 16);
    EXPECT_TRUE(is_gone(word));
    std::cout << "fork bomb: at most " << most << " processes of 64 allowed, ended by "
              << (seen.end.stopped ? to_string(*seen.end.stopped) : "itself") << "\n";
}

TEST(Escape, ByMemoryOutsideOfProcessesIsRefusedOrEnded) {
    execution_world world;
    auto memfd = python(
        "import os\ntry:\n  os.memfd_create('x')\n  print('made')\n"
        "except OSError as e: print('memfd', e.errno)");
    const auto one = world.run(memfd);
    EXPECT_EQ(one.output, "memfd 1\n") << one.told();
    tell("memfd", one);

    auto tmpfs = bash(
        "head -c 400M /dev/zero > /dev/shm/x; head -c 400M /dev/zero > /tmp/x; "
        "du -cm /dev/shm/x /tmp/x | tail -1 | cut -f1; sleep 0.5");
    tmpfs.limits.memory_bytes = 64 * mib;
    tmpfs.limits.file_bytes = 500 * mib;
    const auto two = world.run(tmpfs);
    EXPECT_TRUE(two.end.stopped == execution_stop::memory ||
                (!two.output.empty() && std::stoi(two.output) <= 128))
        << two.told();
    tell("tmpfs", two);

    auto shared = python(
        "import mmap, signal\nx = mmap.mmap(-1, 300 * 1024 * 1024)\n"
        "for i in range(0, len(x), 4096): x[i] = 1\nsignal.pause()");
    shared.limits.memory_bytes = 64 * mib;
    const auto three = world.run(shared);
    EXPECT_EQ(three.end.stopped, execution_stop::memory) << three.told();
    tell("shared mapping", three);
}

TEST(Escape, ByEndlessOutputAndEventsEndsAtItsLimit) {
    execution_world world;
    for (const auto* source :
         {"yes", "yes >&2", "yes >&$CHAT_EVENTS_FD", "cat /dev/zero >&$CHAT_EVENTS_FD"}) {
        auto what = bash(source);
        what.limits.wall_time = 500ms;
        const auto seen = world.run(what);
        EXPECT_EQ(seen.end.stopped, execution_stop::wall_time) << source << seen.told();
    }
}

TEST(Escape, ToTheEnvironmentMemoryAndFilesOfOthersFindsNothing) {
    execution_world world;
    const auto secret = "s3cret-" + random_hex(8);
    ASSERT_EQ(::setenv("HEADROOM_TEST_SECRET", secret.c_str(), 1), 0);
    const auto own_file = std::filesystem::temp_directory_path() / ("hr-escape-" + random_hex(6));
    std::ofstream(own_file) << secret;
    const auto look =
        "import os, glob\n"
        "got = []\n"
        "for pid in [p for p in os.listdir('/proc') if p.isdigit()] + ['self/../../1']:\n"
        "  for name in ('environ', 'cmdline', 'maps'):\n"
        "    try: got.append(open(f'/proc/{pid}/{name}', 'rb').read().decode('latin1'))\n"
        "    except OSError as e: got.append(str(e.errno))\n"
        "  try: got.append(str(os.listdir(f'/proc/{pid}/fd')))\n"
        "  except OSError as e: got.append(str(e.errno))\n"
        "try: open('/proc/1/mem', 'rb').read(1); print('read init')\n"
        "except OSError as e: print('init memory', e.errno)\n"
        "try: print('init fds', os.listdir('/proc/1/fd'))\n"
        "except OSError as e: print('init fds', e.errno)\n"
        "for folder in ('/', '/tmp', '/home', '/root', '/var', '/etc', '/run', '/workspace'):\n"
        "  try: got.append(str(os.listdir(folder)))\n"
        "  except OSError as e: got.append(str(e.errno))\n"
        "for path in ('" +
        own_file.string() +
        "', '/etc/shadow', '/proc/kcore'):\n"
        "  try: got.append(open(path, 'rb').read(100).decode('latin1'))\n"
        "  except OSError as e: got.append(str(e.errno))\n"
        "print('pids', sorted(int(p) for p in os.listdir('/proc') if p.isdigit()))\n"
        "print('uid', os.getuid() != 0, os.geteuid() != 0)\n"
        "print('\\n'.join(got))\n";
    const auto seen = world.run(python(look));
    std::filesystem::remove(own_file);
    ::unsetenv("HEADROOM_TEST_SECRET");
    EXPECT_EQ(seen.end.exit_code, 0) << seen.told();
    EXPECT_EQ(seen.output.find(secret), std::string::npos);
    EXPECT_EQ(seen.output.find(world.programs()), std::string::npos) << "no path of the host";
    EXPECT_NE(seen.output.find("init memory 13"), std::string::npos) << seen.told();
    EXPECT_NE(seen.output.find("init fds 13"), std::string::npos) << seen.told();
    EXPECT_NE(seen.output.find("uid True True"), std::string::npos) << seen.told();
    EXPECT_NE(seen.output.find("pids [1, 2]"), std::string::npos) << seen.told();
    tell("reading others", seen);
}

TEST(Escape, FindsOnlyTheStatedEnvironmentAndDescriptors) {
    execution_world world;
    const int mine = ::open("/dev/null", O_RDONLY);  // inherited by nobody
    const auto seen =
        world.run(python("import os\n"
                         "fds = sorted(int(f) for f in os.listdir('/proc/self/fd'))\n"
                         "print(len(fds) - 1, int(os.environ['CHAT_EVENTS_FD']) in fds)\n"
                         "print(' '.join(sorted(k for k in os.environ if k != 'LC_CTYPE')))\n"));
    ::close(mine);
    EXPECT_EQ(seen.output,
              "4 True\nCHAT_EVENTS_FD CHAT_EXECUTION_ID CHAT_OUTPUT_DIR CHAT_WORK_DIR HOME LANG "
              "PATH TMPDIR\n")
        << seen.told();
    tell("descriptors and environment", seen);
}

int listen_on_loopback(std::uint16_t& port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
    EXPECT_EQ(::listen(listener, 4), 0);
    socklen_t size = sizeof where;
    EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size), 0);
    port = ntohs(where.sin_port);
    return listener;
}

TEST(Escape, ToTheNetworkFindsNone) {
    execution_world world;
    std::uint16_t port = 0;
    const int listener = listen_on_loopback(port);
    const int abstract = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const auto text = "hr-" + random_hex(8);
    std::memcpy(name.sun_path + 1, text.data(), text.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    ASSERT_EQ(::bind(abstract, reinterpret_cast<sockaddr*>(&name), size), 0);
    ASSERT_EQ(::listen(abstract, 4), 0);
    const auto seen = world.run(
        python("import socket, os\n"
               "def attempt(what, family, where):\n"
               "  s = socket.socket(family)\n"
               "  s.settimeout(2)\n"
               "  try: s.connect(where); print(what, 'connected')\n"
               "  except OSError as e: print(what, 'refused')\n"
               "attempt('loopback', socket.AF_INET, ('127.0.0.1', " +
               std::to_string(port) +
               "))\n"
               "attempt('abstract', socket.AF_UNIX, '\\0" +
               text +
               "')\n"
               "print(sorted(n for _, n in socket.if_nameindex()))\n"
               "try: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print('raw made')\n"
               "except OSError: print('raw refused')\n"));
    ::close(listener);
    ::close(abstract);
    EXPECT_EQ(seen.output, "loopback refused\nabstract refused\n['lo']\nraw refused\n")
        << seen.told();
    tell("network", seen);
}

TEST(Escape, ByDoubleForkAndSessionsOfItsOwnEndsWithTheProgram) {
    execution_world world;
    const auto word = "lives-on-" + random_hex(6);
    const auto seen =
        world.run(bash("(setsid setsid bash -c 'trap \"\" HUP TERM; while :; do sleep "
                       "1; done; : " +
                       word + "' > /dev/null 2>&1 &) ; echo done"));
    EXPECT_EQ(seen.output, "done\n") << seen.told();
    EXPECT_TRUE(is_gone(word));
    EXPECT_LT(seen.end.wall_time, 5s) << "the daemon kept nobody waiting";
    tell("double fork", seen);
}

TEST(Escape, BySignalsReachesNobodyOutside) {
    execution_world world;
    const auto seen =
        world.run(python("import os, signal\n"
                         "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                         "def attempt(pid, number):\n"
                         "  try: os.kill(pid, number); return 'sent'\n"
                         "  except OSError as e: return 'refused'\n"
                         "print('parent', os.getppid())\n"
                         "print('init', attempt(1, signal.SIGKILL), attempt(1, signal.SIGSTOP))\n"
                         "print('all', attempt(-1, signal.SIGTERM))\n"
                         "print('outside', attempt(" +
                         std::to_string(::getpid()) +
                         ", signal.SIGKILL))\n"
                         "print('alive')\n"));
    EXPECT_EQ(seen.end.exit_code, 0) << seen.told();
    EXPECT_NE(seen.output.find("parent 1\n"), std::string::npos) << seen.told();
    EXPECT_NE(seen.output.find("outside refused"), std::string::npos) << seen.told();
    EXPECT_NE(seen.output.find("alive"), std::string::npos) << seen.told();
    tell("signals", seen);
}

TEST(Escape, ByNamespacesMountsAndTracingIsRefused) {
    execution_world world;
    const auto seen = world.run(
        bash("unshare -U true 2>/dev/null && echo 'user namespace' || echo 'no namespace'\n"
             "mount -t tmpfs x /tmp 2>/dev/null && echo mounted || echo 'no mount'\n"
             "touch /usr/x 2>/dev/null && echo written || echo 'no write'\n"
             "touch /x 2>/dev/null && echo written || echo 'no write'\n"
             "touch /dev/x 2>/dev/null && echo written || echo 'no write'\n"
             "chroot / true 2>/dev/null && echo chroot || echo 'no chroot'\n"
             "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t\\n' '  '\n"));
    EXPECT_EQ(seen.output,
              "no namespace\nno mount\nno write\nno write\nno write\nno chroot\n"
              "CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 ")
        << seen.told();
    tell("namespaces", seen);
    const auto traced =
        world.run(python("import ctypes\n"
                         "libc = ctypes.CDLL(None, use_errno=True)\n"
                         "print('trace', libc.ptrace(16, 1, 0, 0), ctypes.get_errno())\n"));
    EXPECT_EQ(traced.output, "trace -1 1\n") << traced.told();
    tell("tracing init", traced);
}

TEST(Escape, ByClosingItsDescriptorsHidesNothing) {
    execution_world world;
    const auto seen =
        world.run(bash("exec 1>&- 2>&- ; eval \"exec $CHAT_EVENTS_FD>&-\"; sleep 0.2; exit 9"));
    EXPECT_EQ(seen.end.exit_code, 9) << seen.told();
    std::cout << "closed descriptors: exit code 9 is told\n";
}

// The folder below /tmp in whose working folder that file is; empty when there is none.
std::filesystem::path folder_with(const std::string& name) {
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp", ec))
        if (std::filesystem::exists(entry.path() / "work" / name, ec)) return entry.path();
    return {};
}

TEST(Escape, ByWhatItLeavesInItsFoldersIsRemoved) {
    execution_world world;
    const auto mark = "mark-" + random_hex(6);
    auto what = python(
        "import os, signal, sys\n"
        "os.makedirs('locked/in'); open('locked/in/x', 'w').write('x'); os.chmod('locked', 0)\n"
        "os.symlink('/etc', 'link'); os.mkfifo('fifo')\n"
        "os.symlink('/usr', os.environ['CHAT_OUTPUT_DIR'] + '/usr')\n"
        "mark = os.getcwd() + '/" +
        mark +
        "'\n"
        "open(mark, 'w').close()\n"
        "for _ in range(400):\n"
        "  os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "open(mark + '-deep', 'w').close()\n"
        "signal.pause()\n");
    what.limits.wall_time = 5s;
    what.limits.folder_entries = 1'000;
    std::filesystem::path folder;
    const auto seen =
        world.run(what, [&](chat::program_run& running) -> boost::asio::awaitable<void> {
            EXPECT_TRUE(
                co_await wait_until([&] { return !(folder = folder_with(mark)).empty(); }, in(4s)));
            // Or it is ended for its many levels while it makes them.
            EXPECT_TRUE(co_await wait_until(
                [&] { return !folder_with(mark + "-deep").empty() || folder_with(mark).empty(); },
                in(4s)));
            running.stop(execution_stop::cancelled);
        });
    EXPECT_NE(folder, std::filesystem::path()) << seen.told();
    EXPECT_FALSE(std::filesystem::exists(folder)) << folder;
    EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
    EXPECT_TRUE(std::filesystem::exists("/usr/bin"));
    std::cout << "what it left: gone, and nothing behind its links\n";
}

// A container's executor has no bubblewrap: init alone must leave nothing behind.
TEST(WithoutASandbox, EverythingItStartedIsGoneAndItsEndIsExact) {
    execution_world world;
    const auto word = "lives-on-" + random_hex(6);
    auto what =
        bash("(setsid setsid bash -c 'trap \"\" HUP TERM; while :; do sleep 1; done; : " + word +
             "' > /dev/null 2>&1 &) ; exit 137");
    what.is_in_container = true;
    const auto seen = world.run(what);
    EXPECT_EQ(seen.walls.by, "container");
    EXPECT_EQ(seen.end.exit_code, 137) << seen.told();
    EXPECT_TRUE(is_gone(word));

    auto endless =
        bash("(setsid setsid bash -c 'while :; do sleep 1; done; : " + word + "' &) ; sleep 600");
    endless.is_in_container = true;
    endless.limits.wall_time = 500ms;
    const auto stopped = world.run(endless);
    EXPECT_EQ(stopped.end.stopped, execution_stop::wall_time) << stopped.told();
    EXPECT_TRUE(is_gone(word));
}

}  // namespace
}  // namespace headroom::test
