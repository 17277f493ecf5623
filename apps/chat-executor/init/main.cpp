// SPDX-License-Identifier: Apache-2.0
// chat-executor-init: the first process beside executed code. It sets the limits, starts the
// program, reaps, and tells exactly how the program ended. Also the guard around bubblewrap.
// Static, without heap and exceptions: it shares the sandbox with code that is not trusted, and
// must hold nothing worth taking.
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
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "chat/executor/core/init_wire.hpp"
#include "descendants.hpp"

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

bool change_user(uid_t user, gid_t group) {
    return ::setgroups(1, &group) == 0 && ::setresgid(group, group, group) == 0 &&
           ::setresuid(user, user, user) == 0;
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
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
    reset_signals();
    if (::setsid() < 0) return {init_step::session, errno};
    offer_to_out_of_memory_killer();
    if (!set_limits()) return {init_step::limits, errno};
    const init_header& to = *plan.header;
    if (to.changes_user != 0 && !change_user(to.uid, to.gid)) return {init_step::user, errno};
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

// As pid 1: everything else dies with this process.
int wait_as_first(pid_t program) {
    int status = 0;
    for (;;) {
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended == program) return status;
        if (ended < 0 && errno != EINTR) return status;
    }
}

// Starts bubblewrap, and is there when chat-executor is killed: until its sandbox is complete,
// bubblewrap does not end with its parent, and its half-made first process not with bubblewrap.
// "guard" UID GID PROGRAM ARGUMENT...; "-" for a user: its own.
int guard(char** words) {
    constexpr int not_started = 127;
    if (!adopt_descendants()) return not_started;
    const pid_t self = ::getpid();
    const pid_t program = ::fork();
    if (program == 0) {
        reset_signals();
        const bool changes_user = std::strcmp(words[0], "-") != 0;
        if (changes_user && !change_user(static_cast<uid_t>(std::atoi(words[0])),
                                         static_cast<gid_t>(std::atoi(words[1])))) {
            ::perror("cannot change to an unprivileged user");
            ::_exit(not_started);
        }
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (::getppid() != self) ::_exit(not_started);
        ::execv(words[2], words + 2);
        ::perror(words[2]);
        ::_exit(not_started);
    }
    if (program < 0) return not_started;
    // It is nobody's to hold the program's pipes open.
    (void)::close_range(3, ~0U, 0);
    return wait_for_descendants(program) == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    // First: no process of the program may read its memory or take its descriptors.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (count > 4 && std::strcmp(words[1], "guard") == 0) return guard(words + 2);
    if (count != 2 || !read_plan(std::atoi(words[1]))) return 126;
    take_descriptors();
    (void)::signal(SIGPIPE, SIG_IGN);  // nobody reads reports when chat-executor is dead
    const bool is_first = plan.header->is_first != 0;
    if (!is_first && !adopt_descendants()) give_up(init_step::session, errno);
    const pid_t program = start_program();
    const int status = is_first ? wait_as_first(program) : wait_for_descendants(program);
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
