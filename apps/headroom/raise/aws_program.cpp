// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/aws_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "base/text.hpp"

namespace headroom::tool {
namespace {

constexpr std::size_t output_bytes_max = 32U << 20;
constexpr std::size_t reason_bytes_max = 600;
constexpr auto reap_within = std::chrono::seconds(2);

constexpr std::array secret_variables{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                                      "AWS_SECURITY_TOKEN", "AWS_ACCESS_KEY_ID"};

class descriptor {
public:
    explicit descriptor(int fd = -1) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() { close(); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

struct pipe_ends {
    descriptor read;
    descriptor write;
};

std::expected<pipe_ends, std::string> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return std::unexpected(
            fmt::format("no pipe for the aws program: {}", std::strerror(errno)));
    }
    return pipe_ends{descriptor(ends[0]), descriptor(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> all;
    for (auto& word : words)
        all.push_back(word.data());
    all.push_back(nullptr);
    return all;
}

// In the child: only calls that are safe after fork(2).
[[noreturn]] void become(const char* path, char* const* words, char* const* environment, int out,
                         int err, pid_t parent) {
    (void)::setpgid(0, 0);
    // It ends with us, however we end.
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    const int nothing = ::open("/dev/null", O_RDONLY);
    (void)::dup2(nothing, STDIN_FILENO);
    (void)::dup2(out, STDOUT_FILENO);
    (void)::dup2(err, STDERR_FILENO);
    ::execve(path, words, environment);
    ::_exit(127);
}

// Ends its whole group: a wrapper script may have started the real one.
void end(pid_t group) {
    (void)::kill(-group, SIGKILL);
    while (::waitpid(group, nullptr, 0) < 0 && errno == EINTR) {
    }
}

// False: it did not end in time.
bool wait_ended(pid_t child, int& status, deadline by) {
    for (;;) {
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child) return true;
        if (ended < 0 && errno != EINTR) return false;
        if (clock::now() >= by) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

struct captured {
    std::string text;
    descriptor from;
};

// One read of what is there; closes at the end.
bool take(captured& to) {
    std::array<char, 65536> buffer{};
    const auto got = ::read(to.from.get(), buffer.data(), buffer.size());
    if (got > 0) {
        to.text.append(buffer.data(), static_cast<std::size_t>(got));
        return to.text.size() <= output_bytes_max;
    }
    if (got == 0 || errno != EINTR) to.from.close();
    return true;
}

// Until both are closed. The error says why not.
std::expected<void, std::string> read_all(captured& out, captured& err, deadline by) {
    while (out.from.get() >= 0 || err.from.get() >= 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(by - clock::now()).count();
        if (left <= 0) return std::unexpected("did not end in time and was stopped");
        std::array<pollfd, 2> both{pollfd{out.from.get(), POLLIN, 0},  // a negative one is ignored
                                   pollfd{err.from.get(), POLLIN, 0}};
        (void)::poll(both.data(), both.size(), static_cast<int>(std::min<long long>(left, 60'000)));
        if (both[0].revents != 0 && !take(out)) return std::unexpected("printed too much");
        if (both[1].revents != 0 && !take(err)) return std::unexpected("printed too much");
    }
    return {};
}

// Its last line that says something, which is where aws says why.
std::string reason_in(const std::string& text) {
    const auto last = text.find_last_not_of(" \r\n");
    if (last == std::string::npos) return "it said nothing";
    const auto before = text.rfind('\n', last);
    const auto first = before == std::string::npos ? 0 : before + 1;
    return printable_excerpt(std::string_view(text).substr(first, last - first + 1),
                             reason_bytes_max);
}

}  // namespace

aws_program::aws_program(std::string path, const config::environment& variables)
    : path_(std::move(path)) {
    for (const auto& [name, value] : variables) {
        if (name == "AWS_PAGER" || name == "AWS_CLI_AUTO_PROMPT") continue;
        environment_.push_back(fmt::format("{}={}", name, value));
    }
    environment_.emplace_back("AWS_PAGER=");
    environment_.emplace_back("AWS_CLI_AUTO_PROMPT=off");
    for (const char* name : secret_variables) {
        const auto found = variables.find(name);
        if (found != variables.end() && !found->second.empty()) secrets_.push_back(found->second);
    }
}

std::expected<aws_program, std::string> aws_program::find(const config::environment& variables) {
    const auto path = variables.find("PATH");
    std::string_view rest = path == variables.end() ? std::string_view() : path->second;
    while (!rest.empty()) {
        const auto colon = rest.find(':');
        const auto folder = rest.substr(0, colon);
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
        if (!folder.starts_with('/')) continue;  // never from wherever we happen to stand
        std::string program = fmt::format("{}/aws", folder);
        if (::access(program.c_str(), X_OK) == 0) return aws_program(std::move(program), variables);
    }
    return std::unexpected(
        "the aws program is not in PATH: install it (apt-get install awscli), or run the printed "
        "steps where it is");
}

std::string aws_program::masked(std::string text) const {
    for (const auto& secret : secrets_) {
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
            text.replace(at, secret.size(), "***");
    }
    return text;
}

std::expected<std::string, std::string> aws_program::run(const std::vector<std::string>& command,
                                                         deadline by) const {
    auto out = make_pipe();
    auto err = make_pipe();
    if (!out) return std::unexpected(out.error());
    if (!err) return std::unexpected(err.error());
    auto words = command;
    auto variables = environment_;
    const auto word_pointers = pointers_to(words);
    const auto variable_pointers = pointers_to(variables);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
        return std::unexpected(
            fmt::format("the aws program cannot be started: {}", std::strerror(errno)));
    }
    if (child == 0) {
        become(path_.c_str(), word_pointers.data(), variable_pointers.data(), out->write.get(),
               err->write.get(), parent);
    }
    (void)::setpgid(child, child);  // whoever comes first
    out->write.close();
    err->write.close();
    captured said{{}, std::move(out->read)};
    captured complained{{}, std::move(err->read)};
    const auto read = read_all(said, complained, by);
    int status = 0;
    if (!read || !wait_ended(child, status, std::max(by, clock::now() + reap_within))) {
        end(child);
        return std::unexpected(read ? std::string("did not end in time and was stopped")
                                    : read.error());
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(said.text);
    return std::unexpected(reason_in(masked(std::move(complained.text))));
}

}  // namespace headroom::tool
