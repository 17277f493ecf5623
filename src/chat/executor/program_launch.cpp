// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/program_launch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include <fmt/format.h>

#include "base/time.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/executor/core/init_plan.hpp"
#include "chat/executor/core/program_rules.hpp"
#include "chat/executor/core/sandbox_arguments.hpp"
#include "chat/executor/process_sampler.hpp"
#include "chat/executor/syscall_filter.hpp"
#include "chat/process/program_search.hpp"

namespace headroom::chat {
namespace {

constexpr auto start_time_max = std::chrono::seconds(20);
constexpr auto end_time_max = std::chrono::seconds(5);
constexpr std::string_view bubblewrap_folders = "/usr/local/bin:/usr/bin:/bin";
constexpr std::string_view inner_init = "/run/headroom/chat-executor-init";
constexpr std::string_view inner_emit = "/run/headroom/chat-emit";
// Without a sandbox processes are counted a user of the whole host: others of the same user come
// and go, and must not make the program fail. The watch counts the program's own.
constexpr std::uint64_t processes_of_others_max = 512;

std::unexpected<error> failed(std::string_view what, int number) {
    return failure(chat_errc::execution_failed,
                   fmt::format("{}: {}", what, std::generic_category().message(number)));
}

struct pipe_ends {
    owned_descriptor read;  // non-blocking
    owned_descriptor write;
};

result<pipe_ends> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return failed("pipe", errno);
    pipe_ends made{owned_descriptor(ends[0]), owned_descriptor(ends[1])};
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return failed("pipe", errno);
    return made;
}

// What a child shall read, without a name that others could open.
result<owned_descriptor> make_memory_file(std::string_view bytes) {
    owned_descriptor file(::memfd_create("execution", MFD_CLOEXEC));
    if (!file.is_open()) return failed("memfd_create", errno);
    std::size_t at = 0;
    while (at < bytes.size()) {
        const ssize_t written =
            ::pwrite(file.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return failed("memfd", errno);
        at += static_cast<std::size_t>(written);
    }
    return file;
}

// All that connects us with a program that is being started.
struct connections {
    pipe_ends output, error, events, status, diagnostics;
    owned_descriptor plan;
};

result<connections> connect(const launch_order& order, const program_places& where,
                            bool is_sandboxed) {
    connections made;
    for (auto* each : {&made.output, &made.error, &made.events, &made.status, &made.diagnostics}) {
        auto pipe = make_pipe();
        if (!pipe) return std::unexpected(pipe.error());
        *each = std::move(*pipe);
    }
    auto filter = make_syscall_filter();
    if (!filter) return std::unexpected(filter.error());

    init_plan plan;
    plan.header.output = made.output.write.get();
    plan.header.error = made.error.write.get();
    plan.header.events = made.events.write.get();
    plan.header.status = made.status.write.get();
    plan.header.is_first = is_sandboxed ? 1 : 0;
    std::uint64_t beside = 0;
    if (!is_sandboxed) {
        const uid_t user = order.user ? order.user->uid : ::geteuid();
        beside = count_threads_of(user) + processes_of_others_max;
    }
    if (!is_sandboxed && order.user) {
        plan.header.changes_user = 1;
        plan.header.uid = order.user->uid;
        plan.header.gid = order.user->gid;
    }
    set_limits(plan.header, order.what.limits, beside);
    plan.filter = std::move(*filter);
    plan.arguments = arguments_of(order.what);
    plan.variables = environment_of(order.what, where);
    const auto bytes = to_bytes(plan);
    if (!bytes)
        return failure(chat_errc::execution_failed,
                       "the program's arguments and environment are too large");
    auto file = make_memory_file(*bytes);
    if (!file) return std::unexpected(file.error());
    made.plan = std::move(*file);
    return made;
}

void close_write_ends(connections& of) {
    for (auto* each : {&of.output, &of.error, &of.events, &of.status, &of.diagnostics})
        each->write.reset();
}

std::vector<int> kept_descriptors(const connections& of) {
    return {of.output.write.get(), of.error.write.get(), of.events.write.get(),
            of.status.write.get(), of.plan.get()};
}

owned_descriptor open_process(pid_t pid) {
    return owned_descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// What can be read without waiting, up to a bound.
std::string read_now(int descriptor) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (text.size() < 16 * buffer.size()) {
        const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

enum class readiness { ready, too_late };

// Until it can be read, or its other end is closed.
readiness wait_readable(int descriptor, deadline by) {
    pollfd watched{.fd = descriptor, .events = POLLIN, .revents = 0};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(by - clock::now()).count();
        if (left <= 0) return readiness::too_late;
        if (::poll(&watched, 1, static_cast<int>(left)) > 0) return readiness::ready;
    }
}

// chat-executor-init, as our child, ends all that it has; killed, it could not.
void end_child(pid_t child) {
    const owned_descriptor end = open_process(child);
    (void)::kill(child, SIGTERM);
    if (end.is_open()) (void)wait_readable(end.get(), clock::now() + end_time_max);
    (void)::kill(child, SIGKILL);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
}

// The first report of chat-executor-init; empty when it never came to that.
std::optional<init_report> first_report(const connections& of, deadline by) {
    if (wait_readable(of.status.read.get(), by) == readiness::too_late) return std::nullopt;
    std::array<char, sizeof(init_report)> bytes{};
    const ssize_t got = ::read(of.status.read.get(), bytes.data(), bytes.size());
    if (got != static_cast<ssize_t>(bytes.size())) return std::nullopt;
    return parse_init_report({bytes.data(), bytes.size()});
}

result<launched_program> take_over(connections& of, pid_t child, const init_report& report,
                                   std::string_view program, bool is_sandboxed) {
    if (report.said == init_said::not_prepared) {
        end_child(child);
        return failure(chat_errc::execution_failed,
                       describe_failed_start(report, program, is_sandboxed));
    }
    launched_program made;
    made.child = child;
    made.child_end = open_process(child);
    made.status = std::move(of.status.read);
    made.output = std::move(of.output.read);
    made.error = std::move(of.error.read);
    made.events = std::move(of.events.read);
    if (report.said == init_said::not_executed) made.not_executed = report;
    if (!made.child_end.is_open()) {
        const int number = errno;
        end_child(child);
        return failed("pidfd_open", number);
    }
    return made;
}

std::vector<top_folder> top_folders_of_this_host() {
    std::vector<top_folder> found;
    for (const std::string path : {"/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"}) {
        std::error_code failed;
        const auto target = std::filesystem::read_symlink(path, failed);
        if (!failed)
            found.push_back({.path = path, .link_target = target.string()});
        else if (std::filesystem::is_directory(path, failed))
            found.push_back({.path = path, .link_target = {}});
    }
    return found;
}

// What a sandbox gets from us beside the two programs.
struct sandbox_files {
    owned_descriptor passwd, group, arguments;
};

result<sandbox_files> make_sandbox_files(const launch_order& order, const program_places& where,
                                         int status_descriptor) {
    sandbox_files made;
    auto passwd = make_memory_file(sandbox_passwd());
    if (!passwd) return std::unexpected(passwd.error());
    made.passwd = std::move(*passwd);
    auto group = make_memory_file(sandbox_group());
    if (!group) return std::unexpected(group.error());
    made.group = std::move(*group);

    const sandbox_layout layout{
        .top_folders = top_folders_of_this_host(),
        .files = {{made.passwd.get(), "/etc/passwd", false},
                  {made.group.get(), "/etc/group", false},
                  {order.programs.init.get(), std::string(inner_init), true},
                  {order.programs.emit.get(), std::string(inner_emit), true}},
        .work_folder = order.folders.work(),
        .output_folder = order.folders.output(),
        .inner_work_folder = where.work,
        .inner_output_folder = where.output,
        .memory_folder_bytes = order.what.limits.memory_bytes,
        .status_descriptor = status_descriptor,
    };
    std::string words;
    for (const std::string& word : sandbox_arguments(layout))
        words.append(word).push_back('\0');
    auto arguments = make_memory_file(words);
    if (!arguments) return std::unexpected(arguments.error());
    made.arguments = std::move(*arguments);
    return made;
}

std::array<std::string, 2> user_words(const std::optional<system_user>& user) {
    if (!user) return {"-", "-"};
    return {fmt::format("{}", user->uid), fmt::format("{}", user->gid)};
}

// Its pid may have been given to another process already, when the program was short.
void find_init(launched_program& made, int bubblewrap_status) {
    const auto pid = first_process_of(read_now(bubblewrap_status));
    if (!pid) return;
    owned_descriptor end = open_process(*pid);
    const auto init = process_of_this_host(*pid);
    if (!end.is_open() || !init) return;
    // Guard, bubblewrap, init.
    const auto bubblewrap = process_of_this_host(init->parent);
    if (!bubblewrap || bubblewrap->parent != made.child) return;
    made.init = *pid;
    made.init_end = std::move(end);
}

}  // namespace

result<executor_programs> executor_programs::open(const std::string& folder) {
    executor_programs opened;
    opened.init_path = folder + "/chat-executor-init";
    const std::string emit_path = folder + "/chat-emit";
    const auto open_one = [](const std::string& path) {
        return owned_descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    };
    opened.init = open_one(opened.init_path);
    if (!opened.init.is_open())
        return failed(opened.init_path + " is needed beside chat-executor", errno);
    opened.emit = open_one(emit_path);
    if (!opened.emit.is_open()) return failed(emit_path + " is needed beside chat-executor", errno);
    return opened;
}

result<std::string> find_bubblewrap(std::string_view folders) {
    if (auto path = find_program(folders, "bwrap")) return *path;
    return failure(chat_errc::execution_failed,
                   fmt::format("bubblewrap is not here (no bwrap in {}): install the Debian "
                               "package bubblewrap",
                               folders));
}

result<launched_program> launch_in_sandbox(const launch_order& order) {
    const auto bubblewrap = find_bubblewrap(bubblewrap_folders);
    if (!bubblewrap) return std::unexpected(bubblewrap.error());
    const program_places where;
    auto connected = connect(order, where, true);
    if (!connected) return std::unexpected(connected.error());
    auto bubblewrap_status = make_pipe();
    if (!bubblewrap_status) return std::unexpected(bubblewrap_status.error());
    const int status = bubblewrap_status->write.get();
    const auto files = make_sandbox_files(order, where, status);
    if (!files) return std::unexpected(files.error());

    spawn_options options;
    options.program = order.programs.init_path;
    options.arguments = {"chat-executor-init", "guard"};
    for (const std::string& word : user_words(order.user))
        options.arguments.push_back(word);
    for (const std::string& word :
         {*bubblewrap, std::string("--args"), fmt::format("{}", files->arguments.get()),
          std::string("--"), std::string(inner_init), fmt::format("{}", connected->plan.get())})
        options.arguments.push_back(word);
    options.working_folder = "/";
    options.output_descriptor = connected->diagnostics.write.get();
    options.error_descriptor = options.output_descriptor;
    options.kept_descriptors = kept_descriptors(*connected);
    for (const int each : {status, files->arguments.get(), files->passwd.get(), files->group.get(),
                           order.programs.init.get(), order.programs.emit.get()})
        options.kept_descriptors.push_back(each);
    options.death_signal = SIGTERM;
    const auto child = spawn(options);
    if (!child) return failure(chat_errc::execution_failed, child.error().detail);
    close_write_ends(*connected);

    const auto report = first_report(*connected, clock::now() + start_time_max);
    if (!report) {
        end_child(*child);
        return failure(chat_errc::execution_failed,
                       describe_failed_sandbox(read_now(connected->diagnostics.read.get())));
    }
    auto made = take_over(*connected, *child, *report, arguments_of(order.what).front(), true);
    if (made) find_init(*made, bubblewrap_status->read.get());
    return made;
}

result<launched_program> launch_without_sandbox(const launch_order& order) {
    const program_places where{.work = order.folders.work(),
                               .output = order.folders.output(),
                               .temporary = order.folders.temporary(),
                               .programs = order.folders.programs()};
    if (auto put = order.folders.put_program("chat-emit", order.programs.emit.get()); !put)
        return std::unexpected(put.error());
    auto connected = connect(order, where, false);
    if (!connected) return std::unexpected(connected.error());

    spawn_options options;
    options.program = order.programs.init_path;
    options.arguments = {"chat-executor-init", fmt::format("{}", connected->plan.get())};
    options.working_folder = where.work;
    options.output_descriptor = connected->diagnostics.write.get();
    options.error_descriptor = options.output_descriptor;
    options.kept_descriptors = kept_descriptors(*connected);
    // It ends everything then; killed, it could not.
    options.death_signal = SIGTERM;
    const auto child = spawn(options);
    if (!child) return failure(chat_errc::execution_failed, child.error().detail);
    close_write_ends(*connected);

    const auto report = first_report(*connected, clock::now() + start_time_max);
    if (!report) {
        end_child(*child);
        return failure(chat_errc::execution_failed,
                       fmt::format("{} did not start the program: {}", options.program,
                                   read_now(connected->diagnostics.read.get())));
    }
    auto made = take_over(*connected, *child, *report, arguments_of(order.what).front(), false);
    if (made) made->init = made->child;
    return made;
}

}  // namespace headroom::chat
