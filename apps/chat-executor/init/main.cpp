// SPDX-License-Identifier: Apache-2.0
// chat-executor-init: the first process beside executed code. It sets the limits, starts the
// program, reaps, and tells exactly how the program ended. Static, without heap and exceptions: it
// shares the sandbox with code that is not trusted, and must hold nothing worth taking.
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "chat/executor/core/init_wire.hpp"

namespace {

using namespace headroom::chat;

// Above all that a program is given, so that none of its numbers is in use when it is placed.
constexpr int high_descriptor = 32;
constexpr int exec_report_descriptor = init_events_descriptor + 1;

struct {
    const init_header* header = nullptr;
    char* filter = nullptr;
    char* arguments[init_arguments_max + 1] = {};
    char* variables[init_variables_max + 1] = {};
    int output = -1;
    int error = -1;
    int events = -1;
    int status = -1;
} plan;

void say(const init_report& what) {
    (void)!::write(plan.status, &what, sizeof what);
}

[[noreturn]] void give_up(init_step step, int number) {
    say({.said = init_said::not_prepared, .value = number, .step = step});
    ::_exit(127);
}

bool take_words(char*& at, const char* end, char** words, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        void* nul = std::memchr(at, 0, static_cast<std::size_t>(end - at));
        if (nul == nullptr) return false;
        words[i] = at;
        at = static_cast<char*>(nul) + 1;
    }
    return true;
}

// Writes no report: the descriptor for it is not known before.
bool read_plan(int descriptor) {
    struct stat file = {};
    if (::fstat(descriptor, &file) != 0) return false;
    const auto size = static_cast<std::size_t>(file.st_size);
    if (size < sizeof(init_header) || size > init_plan_bytes_max) return false;
    void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    if (mapped == MAP_FAILED) return false;
    const auto* header = static_cast<const init_header*>(mapped);
    if (header->magic != init_magic || header->plan_bytes != size) return false;
    plan.header = header;
    plan.status = ::fcntl(header->status, F_DUPFD_CLOEXEC, high_descriptor);
    if (plan.status < 0) return false;
    if (header->filter_bytes > size - sizeof *header || header->arguments == 0 ||
        header->arguments > init_arguments_max || header->variables > init_variables_max)
        give_up(init_step::plan, EINVAL);
    char* at = static_cast<char*>(mapped) + sizeof *header;
    const char* end = static_cast<char*>(mapped) + size;
    plan.filter = at;
    at += header->filter_bytes;
    if (!take_words(at, end, plan.arguments, header->arguments) ||
        !take_words(at, end, plan.variables, header->variables))
        give_up(init_step::plan, EINVAL);
    return true;
}

void take_descriptors() {
    const init_header& header = *plan.header;
    plan.output = ::fcntl(header.output, F_DUPFD_CLOEXEC, high_descriptor);
    plan.error = ::fcntl(header.error, F_DUPFD_CLOEXEC, high_descriptor);
    plan.events = ::fcntl(header.events, F_DUPFD_CLOEXEC, high_descriptor);
    if (plan.output < 0 || plan.error < 0 || plan.events < 0)
        give_up(init_step::descriptors, errno);
    for (const int given : {header.output, header.error, header.events, header.status})
        ::close(given);
}

// A limit that this process has itself is not exceeded: only root could.
bool set_limit(__rlimit_resource which, std::uint64_t soft, std::uint64_t hard) {
    rlimit limit{};
    if (::getrlimit(which, &limit) != 0) return false;
    if (hard < limit.rlim_max) limit.rlim_max = hard;
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    return ::setrlimit(which, &limit) == 0;
}

bool set_limits() {
    const init_header& of = *plan.header;
    // Processes are counted a user namespace, the one of the sandbox, since Linux 5.14: this is
    // the first place where it can be set.
    return set_limit(RLIMIT_NPROC, of.processes, of.processes) &&
           // A second more for a program that handles SIGXCPU; then SIGKILL.
           set_limit(RLIMIT_CPU, of.cpu_seconds, of.cpu_seconds + 1) &&
           set_limit(RLIMIT_DATA, of.data_bytes, of.data_bytes) &&
           set_limit(RLIMIT_FSIZE, of.file_bytes, of.file_bytes) &&
           set_limit(RLIMIT_NOFILE, of.open_files, of.open_files) && set_limit(RLIMIT_CORE, 0, 0) &&
           // POSIX message queues hold kernel memory that no process shows.
           set_limit(RLIMIT_MSGQUEUE, 0, 0);
}

bool change_user() {
    const init_header& to = *plan.header;
    const gid_t group = to.gid;
    return ::setgroups(1, &group) == 0 && ::setresgid(group, group, group) == 0 &&
           ::setresuid(to.uid, to.uid, to.uid) == 0;
}

bool set_filter() {
    // Without it a set-user-id program would be a way out.
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    sock_fprog filter{};
    filter.len = static_cast<unsigned short>(plan.header->filter_bytes / sizeof(sock_filter));
    filter.filter = reinterpret_cast<sock_filter*>(plan.filter);
    return filter.len == 0 || ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

// When memory is short on the host, the kernel takes executed code first. A wish: it may be denied.
void offer_to_out_of_memory_killer() {
    (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // else the file is root's; execve(2) does the same
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    (void)!::write(file, "1000", 4);
    ::close(file);
}

struct failed_child {
    init_step step;  // none: execve(2)
    int number;
};

failed_child become_program(int exec_report, pid_t init) {
    // After this it holds only what the program may have, and the descriptor that exec closes.
    if (::dup2(plan.output, 1) < 0 || ::dup2(plan.error, 2) < 0 ||
        ::dup2(plan.events, init_events_descriptor) < 0 ||
        ::dup3(exec_report, exec_report_descriptor, O_CLOEXEC) < 0 ||
        ::close_range(exec_report_descriptor + 1, ~0U, 0) != 0)
        return {init_step::descriptors, errno};
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::setsid() < 0) return {init_step::session, errno};
    offer_to_out_of_memory_killer();
    if (!set_limits()) return {init_step::limits, errno};
    if (plan.header->changes_user != 0 && !change_user()) return {init_step::user, errno};
    if (plan.header->is_first == 0) {
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (::getppid() != init) ::_exit(127);
    }
    (void)::umask(022);
    if (!set_filter()) return {init_step::filter, errno};
    ::environ = plan.variables;  // with the PATH in which the program is searched
    ::execvp(plan.arguments[0], plan.arguments);
    return {init_step::none, errno};
}

// Returns the program's pid, after it is executed; does not return when it cannot be.
pid_t start_program() {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) give_up(init_step::descriptors, errno);
    const pid_t self = ::getpid();
    const pid_t program = ::fork();
    if (program < 0) give_up(init_step::fork, errno);
    if (program == 0) {
        // Out of the way of the numbers that the program's own descriptors get.
        const int exec_report = ::fcntl(pipe[1], F_DUPFD_CLOEXEC, high_descriptor);
        const failed_child failed = become_program(exec_report, self);
        (void)!::write(exec_report_descriptor, &failed, sizeof failed);
        ::_exit(127);
    }
    ::close(pipe[1]);
    failed_child failed{};
    ssize_t got = 0;
    do {
        got = ::read(pipe[0], &failed, sizeof failed);
    } while (got < 0 && errno == EINTR);
    ::close(pipe[0]);
    if (got == sizeof failed && failed.step != init_step::none) give_up(failed.step, failed.number);
    if (got == sizeof failed) {
        say({.said = init_said::not_executed, .value = failed.number});
        ::_exit(127);
    }
    say({.said = init_said::started});
    // The ends of the program's pipes shall be seen when the program has closed them.
    ::close(plan.output);
    ::close(plan.error);
    ::close(plan.events);
    return program;
}

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

// As pid 1: everything else dies with this process.
int wait_as_first(pid_t program) {
    int status = 0;
    for (;;) {
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended == program) return status;
        if (ended < 0 && errno != EINTR) return status;
    }
}

// Children of dead descendants become this process' own (it is their subreaper), so that in the
// end nothing is left when it has no children.
int wait_as_subreaper(pid_t program, const sigset_t& signals) {
    int main_status = 0;
    bool is_ending = false;
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, WNOHANG);
        if (ended == program) {
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

}  // namespace

int main(int count, char** words) {
    // First: no process of the program may read its memory or take its descriptors.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (count != 2 || !read_plan(std::atoi(words[1]))) return 126;
    take_descriptors();
    (void)::signal(SIGPIPE, SIG_IGN);  // nobody reads reports when chat-executor is dead
    sigset_t signals;
    ::sigemptyset(&signals);
    const bool is_first = plan.header->is_first != 0;
    if (!is_first) {
        ::sigaddset(&signals, SIGCHLD);
        ::sigaddset(&signals, SIGTERM);
        (void)::sigprocmask(SIG_BLOCK, &signals, nullptr);
        if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) give_up(init_step::session, errno);
    }
    const pid_t program = start_program();
    const int status = is_first ? wait_as_first(program) : wait_as_subreaper(program, signals);
    rusage used{};
    (void)::getrusage(RUSAGE_CHILDREN, &used);
    const auto microseconds = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
               static_cast<std::uint64_t>(time.tv_usec);
    };
    say({.said = init_said::ended,
         .value = status,
         .cpu_microseconds = microseconds(used.ru_utime) + microseconds(used.ru_stime),
         .largest_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024});
    return 0;
}
