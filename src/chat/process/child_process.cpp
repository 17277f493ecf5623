// SPDX-License-Identifier: Apache-2.0
#include "chat/process/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <boost/asio/signal_set.hpp>

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

std::error_code last_error() {
    return {errno, std::generic_category()};
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (const std::string& word : words)
        pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

// All a child needs between fork and exec, made before: it may not allocate there.
struct prepared {
    const spawn_options& options;
    std::vector<char*> arguments;
    std::vector<char*> environment;
    pid_t parent;
    int report;
};

bool become(const system_user& user) {
    return ::setgroups(1, &user.gid) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
           ::setresuid(user.uid, user.uid, user.uid) == 0;
}

// Runs in the child. Returns only when something failed, with errno set.
void become_program(const prepared& child) {
    const spawn_options& options = child.options;
    for (int number = 1; number < NSIG; ++number)
        (void)::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
    // A group of its own: Ctrl-C reaches the supervisor, which stops its children in order.
    if (::setpgid(0, 0) != 0) return;
    const int input = options.input_descriptor ? *options.input_descriptor
                                               : ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int errors = options.error_descriptor.value_or(options.output_descriptor);
    if (input < 0 || ::dup2(input, 0) < 0 || ::dup2(options.output_descriptor, 1) < 0) return;
    if (errors != 2 && ::dup2(errors, 2) < 0) return;
    if (options.user && !become(*options.user)) return;
    // After the change of user, which clears it. The parent may have died before it was set.
    if (options.death_signal != 0) {
        if (::prctl(PR_SET_PDEATHSIG, options.death_signal) != 0) return;
        if (::getppid() != child.parent) ::_exit(127);
    }
    if (!options.working_folder.empty() && ::chdir(options.working_folder.c_str()) != 0) return;
    (void)::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const int kept : options.kept_descriptors) {
        if (::fcntl(kept, F_SETFD, 0) != 0) return;
    }
    (void)::umask(077);
    ::execve(options.program.c_str(), child.arguments.data(), child.environment.data());
}

// The child's errno when it could not become the program; closed by a successful exec.
std::error_code read_report(int descriptor) {
    int number = 0;
    ssize_t got = 0;
    do {
        got = ::read(descriptor, &number, sizeof number);
    } while (got < 0 && errno == EINTR);
    ::close(descriptor);
    return got == sizeof number ? std::error_code(number, std::generic_category())
                                : std::error_code();
}

}  // namespace

result<pid_t> spawn(const spawn_options& options) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return failure(last_error(), "pipe");
    const prepared child{options, pointers_to(options.arguments), pointers_to(options.environment),
                         ::getpid(), pipe[1]};
    const pid_t pid = ::fork();
    if (pid == 0) {
        become_program(child);
        const int number = errno;
        (void)!::write(child.report, &number, sizeof number);
        ::_exit(127);
    }
    const std::error_code fork_error = last_error();
    ::close(pipe[1]);
    if (pid < 0) {
        ::close(pipe[0]);
        return failure(fork_error, "fork");
    }
    if (const std::error_code failed = read_report(pipe[0])) {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        return failure(failed,
                       fmt::format("{} cannot be executed: {}", options.program, failed.message()));
    }
    return pid;
}

void child_process::send_signal(int number) const {
    // Until it is waited for, its pid cannot belong to another process.
    if (!status_) (void)::kill(mark_.pid, number);
}

asio::awaitable<void> child_process::stop(int number, deadline by) {
    send_signal(number);
    const bool ended = co_await wait(by);
    if (ended) co_return;
    send_signal(SIGKILL);
    (void)co_await wait(deadline::max());
}

void child_process::note_end(int status) {
    status_ = status;
    ended_.set();
}

std::string describe_status(int status) {
    if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
    return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

struct child_reaper::state {
    explicit state(const asio::any_io_executor& on) : executor(on), signals(on, SIGCHLD) {}

    asio::any_io_executor executor;
    asio::signal_set signals;
    std::vector<std::shared_ptr<child_process>> children;

    // Only known pids are waited for, so that no other code's child is taken from it.
    void reap() {
        std::erase_if(children, [](const std::shared_ptr<child_process>& one) {
            int status = 0;
            if (::waitpid(one->mark().pid, &status, WNOHANG) != one->mark().pid) return false;
            one->note_end(status);
            return true;
        });
    }

    static void listen(const std::shared_ptr<state>& self) {
        self->signals.async_wait([self](const boost::system::error_code& ended, int) {
            if (ended) return;
            self->reap();
            listen(self);
        });
    }
};

child_reaper::child_reaper(asio::any_io_executor executor)
    : state_(std::make_shared<state>(executor)) {
    state::listen(state_);
}

child_reaper::~child_reaper() {
    boost::system::error_code ignored;
    state_->signals.cancel(ignored);
}

result<std::shared_ptr<child_process>> child_reaper::start(const spawn_options& options) {
    const auto pid = spawn(options);
    if (!pid) return std::unexpected(pid.error());
    const process_mark mark = mark_of(*pid).value_or(process_mark{.pid = *pid});
    auto child = std::make_shared<child_process>(state_->executor, mark);
    state_->children.push_back(child);
    // It may have ended before it was known here.
    state_->reap();
    return child;
}

}  // namespace headroom::chat
