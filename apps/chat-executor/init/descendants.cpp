// SPDX-License-Identifier: Apache-2.0
#include "descendants.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace headroom::chat {
namespace {

constexpr int processes_max = 32768;
struct {
    int count = 0;
    pid_t pids[processes_max];
    pid_t parents[processes_max];
    bool is_ours[processes_max];
} table;

pid_t parent_of(int proc, const char* name) {
    char path[300];
    std::size_t length = std::strlen(name);
    std::memcpy(path, name, length);
    std::memcpy(path + length, "/stat", 6);
    const int file = ::openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    char text[1024];
    const ssize_t got = ::read(file, text, sizeof text - 1);
    ::close(file);
    if (got <= 0) return -1;
    text[got] = 0;
    // "1 (name) S 0 ...": the name may hold parentheses and blanks.
    const char* after = std::strrchr(text, ')');
    return after == nullptr || std::strlen(after) < 4 ? -1 : std::atoi(after + 4);
}

// The kernel lists pids in rising order.
void read_table() {
    table.count = 0;
    const int proc = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) return;
    alignas(dirent64) static char entries[32768];
    for (;;) {
        const auto got = ::syscall(SYS_getdents64, proc, entries, sizeof entries);
        if (got <= 0) break;
        for (long at = 0; at < got;) {
            const auto* entry = reinterpret_cast<dirent64*>(entries + at);
            at += entry->d_reclen;
            const int pid = std::atoi(entry->d_name);
            if (pid <= 0 || table.count == processes_max) continue;
            table.pids[table.count] = pid;
            table.parents[table.count] = parent_of(proc, entry->d_name);
            table.is_ours[table.count] = false;
            ++table.count;
        }
    }
    ::close(proc);
}

bool is_ours(pid_t pid, pid_t self) {
    if (pid == self) return true;
    int low = 0;
    int high = table.count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (table.pids[middle] < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table.count && table.pids[low] == pid && table.is_ours[low];
}

void kill_descendants() {
    read_table();
    const pid_t self = ::getpid();
    bool found = true;
    while (found) {
        found = false;
        for (int i = 0; i < table.count; ++i) {
            if (table.is_ours[i] || !is_ours(table.parents[i], self)) continue;
            table.is_ours[i] = true;
            found = true;
            (void)::kill(table.pids[i], SIGKILL);
        }
    }
}

sigset_t heard_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGCHLD);
    ::sigaddset(&signals, SIGTERM);
    return signals;
}

}  // namespace

bool adopt_descendants() {
    const sigset_t signals = heard_signals();
    return ::sigprocmask(SIG_BLOCK, &signals, nullptr) == 0 &&
           ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

int wait_for_descendants(pid_t main) {
    const sigset_t signals = heard_signals();
    int main_status = 0;
    bool is_ending = false;
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, WNOHANG);
        if (ended == main) {
            main_status = status;
            is_ending = true;
        }
        if (ended > 0) continue;
        if (ended < 0) return main_status;
        if (is_ending) kill_descendants();
        // Looks again also without a signal: one that was being forked while the others were
        // killed.
        const timespec pause{.tv_sec = is_ending ? 0 : 60, .tv_nsec = 2'000'000};
        if (::sigtimedwait(&signals, nullptr, &pause) == SIGTERM) is_ending = true;
    }
}

}  // namespace headroom::chat
