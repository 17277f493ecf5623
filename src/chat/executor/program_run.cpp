// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/program_run.hpp"

#include <net/if.h>
#include <poll.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/assert.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/executor/adopted_processes.hpp"
#include "chat/executor/core/init_plan.hpp"
#include "chat/executor/core/languages.hpp"
#include "chat/executor/core/limit_watch.hpp"
#include "chat/executor/core/program_rules.hpp"
#include "chat/executor/execution_folders.hpp"
#include "chat/executor/process_sampler.hpp"
#include "chat/executor/program_launch.hpp"
#include "net/event.hpp"

namespace headroom::chat {
namespace {

namespace asio = boost::asio;

// The kernel's user without rights. Root's processes are in no count of RLIMIT_NPROC.
constexpr system_user nobody{.uid = 65534, .gid = 65534};

constexpr auto look_interval = std::chrono::milliseconds(50);
constexpr auto folder_look_interval = std::chrono::milliseconds(200);
// Looking takes at most a fifth of the time, however much there is to look at.
constexpr int rest_factor = 4;
// For chat-executor-init to kill what it has; then it is killed itself.
constexpr auto kill_time_max = std::chrono::seconds(3);
// For the kernel to take down what was killed: a process may hang in a system call.
constexpr auto end_time_max = std::chrono::seconds(10);

result<void> check(const execution_request& what) {
    if (const auto fault = fault_of(what)) return failure(chat_errc::execution_failed, *fault);
    const auto language = find_language(what.program.language);
    if (!language) return {};
    const std::string interpreter(language->interpreter.front());
    if (::access(interpreter.c_str(), X_OK) == 0) return {};
    return failure(chat_errc::execution_failed,
                   fmt::format("{} is not installed here ({} is no program): install the Debian "
                               "package {}",
                               language->name, interpreter, language->package));
}

bool is_read_only(const char* path) {
    struct statvfs seen{};
    return ::statvfs(path, &seen) == 0 && (seen.f_flag & ST_RDONLY) != 0;
}

// An interface beside loopback: a container may have been given none.
bool has_network() {
    struct if_nameindex* const all = ::if_nameindex();
    if (all == nullptr) return true;  // not known: the worse is told
    bool found = false;
    for (const struct if_nameindex* one = all; one->if_index != 0; ++one)
        found = found || std::string_view(one->if_name) != "lo";
    ::if_freenameindex(all);
    return found;
}

isolation sandbox_walls(bool changes_user) {
    return {.by = "bubblewrap",
            .network = false,
            .system_read_only = true,
            .private_tmp = true,
            .own_pids = true,
            .own_user = changes_user,
            .syscall_filter = true};
}

isolation container_walls(bool changes_user) {
    return {.by = "container",
            .network = has_network(),
            .system_read_only = is_read_only("/usr"),
            .private_tmp = true,
            .own_pids = true,
            .own_user = changes_user,
            .syscall_filter = true,
            .without = "its container makes the walls"};
}

isolation no_walls(bool changes_user, std::string why) {
    return {.network = has_network(),
            .own_user = changes_user,
            .syscall_filter = true,
            .without = std::move(why)};
}

bool is_readable(int descriptor, int milliseconds = 0) {
    pollfd watched{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, milliseconds) > 0;
}

std::chrono::milliseconds since(clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - start);
}

}  // namespace

struct program_run::state {
    state(const asio::any_io_executor& loop, const execution_limits& limits,
          std::unique_ptr<execution_folders> made)
        : within(limits),
          folders(std::move(made)),
          watch(limits),
          wake(loop),
          child_end(loop),
          init_end(loop) {}

    // Fixed once the program is started.
    execution_limits within;
    std::string program;  // what was executed, for people
    std::unique_ptr<execution_folders> folders;
    std::optional<adopted_processes> adopted;  // without a sandbox
    isolation walls;
    launched_program launched;
    clock::time_point started;

    // Event loop only.
    process_sampler sampler = process_sampler::of_sandbox(-1);
    limit_watch watch;
    clock::time_point next_look;
    clock::time_point next_folder_look;
    std::optional<execution_stop> stopped;
    std::optional<clock::time_point> killed_at;
    std::optional<init_report> report;
    bool is_child_reaped = false;
    std::chrono::milliseconds wall_time{0};
    net::event wake;
    asio::posix::stream_descriptor child_end;
    asio::posix::stream_descriptor init_end;

    [[nodiscard]] bool is_sandboxed() const { return !adopted; }

    [[nodiscard]] bool can_watch() const;
    void listen();
    void look();
    [[nodiscard]] std::optional<execution_stop> judge(bool with_folders);
    [[nodiscard]] bool has_ended();
    void read_report();
    void stop(execution_stop why);
    void kill_all();
    void kill_harder() const;
    void end_everything();
    [[nodiscard]] program_end end() const;
};

// A program that has ended needs no watch, and shows nothing.
bool program_run::state::can_watch() const {
    constexpr int end_milliseconds_max = 1'000;
    const auto& end = launched.init_end.is_open() ? launched.init_end : launched.child_end;
    return sampler.can_look() || is_readable(end.get(), end_milliseconds_max);
}

void program_run::state::listen() {
    next_look = clock::now() + look_interval;
    next_folder_look = clock::now() + folder_look_interval;
    const auto watch_end = [this](asio::posix::stream_descriptor& on, int process) {
        if (process < 0) return;
        on.assign(process);
        on.async_wait(asio::posix::stream_descriptor::wait_read,
                      [woken = wake](const boost::system::error_code& failed) mutable {
                          if (!failed) woken.set();
                      });
    };
    // Duplicates: Asio closes what it was given.
    const auto duplicate = [](const owned_descriptor& one) {
        return one.is_open() ? ::fcntl(one.get(), F_DUPFD_CLOEXEC, 3) : -1;
    };
    watch_end(child_end, duplicate(launched.child_end));
    watch_end(init_end, duplicate(launched.init_end));
}

// A pidfd is readable when its process has ended; that of a sandbox's first process, when all in
// it are gone.
bool program_run::state::has_ended() {
    if (!is_child_reaped && is_readable(launched.child_end.get())) {
        int ignored = 0;
        is_child_reaped = ::waitpid(launched.child, &ignored, WNOHANG) != 0;
    }
    return is_child_reaped &&
           (!launched.init_end.is_open() || is_readable(launched.init_end.get()));
}

void program_run::state::read_report() {
    std::array<char, sizeof(init_report)> bytes{};
    const ssize_t got = ::read(launched.status.get(), bytes.data(), bytes.size());
    if (got == static_cast<ssize_t>(bytes.size()))
        report = parse_init_report({bytes.data(), bytes.size()});
}

std::optional<execution_stop> program_run::state::judge(bool with_folders) {
    usage_sample sample = sampler.look();
    sample.wall = since(started);
    if (with_folders) {
        sample.folders = folders->measure(within.folder_entries);
        sample.folders->written_bytes = sampler.written_bytes();
    }
    const watch_answer answer = watch.on_sample(sample);
    if (!answer.look_at_shared_memory) return answer.stop;
    return watch.on_shared_memory(sampler.look_at_shared_memory());
}

void program_run::state::look() {
    const auto now = clock::now();
    if (killed_at) {
        if (now >= *killed_at + kill_time_max) kill_harder();
        next_look = now + look_interval;
        return;
    }
    if (now < next_look) return;
    const bool with_folders = now >= next_folder_look;
    if (const auto reached = judge(with_folders)) return stop(*reached);
    const auto after = clock::now();
    const auto rest = (after - now) * rest_factor;
    next_look = std::min(std::max(now + look_interval, after + rest), started + within.wall_time);
    if (with_folders) next_folder_look = std::max(now + folder_look_interval, after + rest);
}

void program_run::state::stop(execution_stop why) {
    if (!stopped) stopped = why;
    if (!killed_at) kill_all();
    wake.set();
}

void program_run::state::kill_all() {
    killed_at = clock::now();
    // The first process of a sandbox takes all others with it.
    if (launched.init_end.is_open())
        (void)::syscall(SYS_pidfd_send_signal, launched.init_end.get(), SIGKILL, nullptr, 0);
    // chat-executor-init kills all that it has, which nobody else can see as well.
    if (!is_child_reaped) (void)::kill(launched.child, SIGTERM);
}

void program_run::state::kill_harder() const {
    if (!is_child_reaped) (void)::kill(launched.child, SIGKILL);
}

// For who does not wait: blocks until all is gone.
void program_run::state::end_everything() {
    if (launched.child < 0) return;
    if (!has_ended() && !killed_at) kill_all();
    const auto harder = clock::now() + kill_time_max;
    const auto by = clock::now() + end_time_max;
    while (!has_ended() && clock::now() < by) {
        if (clock::now() >= harder) kill_harder();
        const int watched_end =
            is_child_reaped ? launched.init_end.get() : launched.child_end.get();
        pollfd watched{.fd = watched_end, .events = POLLIN, .revents = 0};
        (void)::poll(&watched, 1, 20);
    }
    if (adopted) adopted->end_all(by);
}

program_end program_run::state::end() const {
    program_end how;
    how.wall_time = wall_time;
    how.cpu_time = watch.cpu_time();
    how.memory_bytes = watch.memory_most();
    if (launched.not_executed) {
        how.start_error = describe_failed_start(*launched.not_executed, program, is_sandboxed());
        return how;
    }
    // Without a report chat-executor-init was killed, by us or by the kernel, and all with it.
    int status = SIGKILL;
    if (report && report->said == init_said::ended) {
        status = report->value;
        const std::chrono::microseconds cpu(report->cpu_microseconds);
        how.cpu_time =
            std::max(how.cpu_time, std::chrono::duration_cast<std::chrono::milliseconds>(cpu));
        how.memory_bytes = std::max(how.memory_bytes, report->largest_bytes);
    }
    if (WIFSIGNALED(status))
        how.signal = WTERMSIG(status);
    else
        how.exit_code = WEXITSTATUS(status);
    // A program that had ended by itself was not stopped, however close it was.
    if (how.signal == SIGKILL) how.stopped = stopped;
    if (how.signal && !how.stopped)
        how.stopped = limit_behind_signal(*how.signal, how.cpu_time, within);
    return how;
}

result<std::unique_ptr<program_run>> program_run::start(asio::any_io_executor loop,
                                                        const execution_request& what,
                                                        std::string own_folder) {
    if (auto checked = check(what); !checked) return std::unexpected(checked.error());
    const auto programs = executor_programs::open(own_folder);
    if (!programs) return std::unexpected(programs.error());
    std::optional<system_user> user;
    if (::geteuid() == 0) user = nobody;
    auto folders = execution_folders::make(user);
    if (!folders) return std::unexpected(folders.error());
    if (const auto language = find_language(what.program.language)) {
        if (auto put = (*folders)->put_source(language->file_name, what.program.source); !put)
            return std::unexpected(put.error());
    }

    auto made = std::make_unique<state>(loop, what.limits, std::move(*folders));
    made->program = arguments_of(what).front();
    const launch_order order{what, *made->folders, *programs, user};
    std::string why_unsandboxed;
    if (!what.is_in_container) {
        auto launched = launch_in_sandbox(order);
        if (launched) {
            made->walls = sandbox_walls(user.has_value());
            made->launched = std::move(*launched);
            made->sampler = process_sampler::of_sandbox(made->launched.init);
            if (!made->can_watch()) {
                made->end_everything();
                return failure(chat_errc::execution_failed,
                               "the sandbox cannot be looked into, so its limits would not hold: "
                               "/proc must be mounted, without hidepid for this user");
            }
        } else if (!what.may_run_unsandboxed) {
            return failure(chat_errc::execution_failed,
                           launched.error().detail +
                               ". Or set CHAT_EXECUTOR_UNSANDBOXED=1 to run code without walls");
        } else {
            why_unsandboxed = launched.error().detail;
        }
    }
    if (made->launched.child < 0) {
        auto adopted = adopted_processes::begin();
        if (!adopted) return std::unexpected(adopted.error());
        made->adopted = std::move(*adopted);
        auto launched = launch_without_sandbox(order);
        if (!launched) return std::unexpected(launched.error());
        made->walls = what.is_in_container ? container_walls(user.has_value())
                                           : no_walls(user.has_value(), why_unsandboxed);
        made->launched = std::move(*launched);
        made->sampler = process_sampler::of_descendants(made->launched.init);
    }
    made->started = clock::now();
    made->listen();
    return std::unique_ptr<program_run>(new program_run(std::move(made)));
}

program_run::program_run(std::unique_ptr<state> made) : state_(std::move(made)) {}

program_run::~program_run() {
    state_->end_everything();
}

const isolation& program_run::walls() const {
    return state_->walls;
}

int program_run::take_output() {
    return state_->launched.output.release();
}

int program_run::take_error() {
    return state_->launched.error.release();
}

int program_run::take_events() {
    return state_->launched.events.release();
}

asio::awaitable<program_end> program_run::wait() {
    state& self = *state_;
    while (!self.has_ended()) {
        // What was killed and hangs in the kernel is left to it.
        if (self.killed_at && clock::now() >= *self.killed_at + end_time_max) break;
        (void)co_await self.wake.wait(self.next_look);
        self.wake.reset();
        self.look();
    }
    self.wall_time = since(self.started);
    self.read_report();
    if (self.adopted) self.adopted->end_all(clock::now() + end_time_max);
    co_return self.end();
}

void program_run::stop(execution_stop why) {
    state_->stop(why);
}

std::vector<left_file> program_run::files(std::uint32_t at_most, std::uint64_t& not_listed) const {
    return state_->folders->files(at_most, not_listed);
}

}  // namespace headroom::chat
