// SPDX-License-Identifier: Apache-2.0
// An executor that is killed leaves no process, at whatever moment.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <set>

#include "base/ids.hpp"
#include "chat/executor/execution_folders.hpp"
#include "chat/executor/process_sampler.hpp"
#include "execution_world.hpp"

namespace headroom::test {
namespace {

using namespace std::chrono_literals;

std::size_t count_descendants(pid_t of) {
    std::set<std::int64_t> family{of};
    const auto all = chat::processes_of_this_host();
    for (std::size_t before = 0; before != family.size();) {
        before = family.size();
        for (const chat::process_stat& one : all) {
            if (family.contains(one.parent)) family.insert(one.pid);
        }
    }
    return family.size() - 1;
}

// While it lives, whatever loses its parent below this process becomes its child.
class adopting {
public:
    adopting() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
    ~adopting() { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
    adopting(const adopting&) = delete;
    adopting& operator=(const adopting&) = delete;

    // True when no child is left.
    [[nodiscard]] static bool is_alone_before(deadline by) {
        while (clock::now() < by) {
            if (::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) return true;
        }
        return false;
    }
    static void end_all() {
        for (const chat::process_stat& one : chat::processes_of_this_host()) {
            if (one.parent == ::getpid()) ::kill(static_cast<pid_t>(one.pid), SIGKILL);
        }
    }
};

[[noreturn]] void be_an_executor(const std::string& programs, const chat::execution_request& what) {
    boost::asio::io_context loop{1};
    const auto started = chat::program_run::start(loop.get_executor(), what, programs);
    if (!started) ::_exit(1);
    for (;;)
        ::pause();
}

// Killed as soon as it has so many descendants: each number is another moment of its start.
void kill_an_executor(const std::string& programs, const chat::execution_request& what,
                      std::size_t descendants) {
    const pid_t executor = ::fork();
    if (executor == 0) be_an_executor(programs, what);
    const auto by = in(20s);
    while (count_descendants(executor) < descendants && clock::now() < by) {
    }
    EXPECT_LT(clock::now(), by) << "it never had " << descendants << " descendants";
    ::kill(executor, SIGKILL);
}

TEST(SuddenDeath, OfAnExecutorLeavesNoProcessAtWhateverMomentOfItsStart) {
    const executor_folder programs;
    const adopting orphans;
    const auto what = bash("setsid sleep 600 & sleep 600");
    // Guard, bubblewrap, its half-made child, init, the program and its two.
    for (std::size_t descendants = 1; descendants <= 6; ++descendants) {
        for (int round = 0; round < 5; ++round) {
            kill_an_executor(programs.path(), what, descendants);
            if (adopting::is_alone_before(in(10s))) continue;
            ADD_FAILURE() << "killed with " << descendants << " descendants, it left some";
            adopting::end_all();
        }
    }
}

TEST(SuddenDeath, OfAnExecutorWithoutASandboxLeavesNoProcess) {
    const executor_folder programs;
    const adopting orphans;
    auto what = bash("setsid sleep 600 & sleep 600");
    what.is_in_container = true;
    for (std::size_t descendants = 1; descendants <= 4; ++descendants) {
        kill_an_executor(programs.path(), what, descendants);
        if (adopting::is_alone_before(in(10s))) continue;
        ADD_FAILURE() << "killed with " << descendants << " descendants, it left some";
        adopting::end_all();
    }
}

// Of the execution in whose source text the word is; empty when there is none that we may see.
std::filesystem::path folder_with(const std::string& word) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp", failed)) {
        std::ifstream source(entry.path() / "work" / "program.sh");
        const std::string text(std::istreambuf_iterator<char>(source), {});
        if (text.contains(word)) return entry.path();
    }
    return {};
}

// Nobody was there to remove its folder. That of one who lives is locked.
TEST(SuddenDeath, LeavesAFolderThatTheNextExecutionsRemove) {
    execution_world world;
    const adopting orphans;
    const auto living_word = "living-" + random_hex(6);
    const auto living = chat::program_run::start(
        world.loop().get_executor(), bash("sleep 600 # " + living_word), world.programs());
    ASSERT_TRUE(living.has_value()) << living.error().detail;
    const auto dead_word = "dead-" + random_hex(6);
    kill_an_executor(world.programs(), bash("sleep 600 # " + dead_word), 5);
    EXPECT_FALSE(folder_with(dead_word).empty());
    for (const auto by = in(20s); !folder_with(dead_word).empty() && clock::now() < by;)
        chat::execution_folders::remove_stale(1s);
    EXPECT_EQ(folder_with(dead_word), std::filesystem::path());
    EXPECT_FALSE(folder_with(living_word).empty());
}

}  // namespace
}  // namespace headroom::test
