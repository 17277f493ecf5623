// SPDX-License-Identifier: Apache-2.0
#include "support/private_redis.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace headroom::test {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

class plain_socket {
public:
    explicit plain_socket(const std::string& path) {
        fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
        const timeval patience{.tv_sec = 5, .tv_usec = 0};
        (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        is_connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    ~plain_socket() { ::close(fd_); }
    plain_socket(const plain_socket&) = delete;
    plain_socket& operator=(const plain_socket&) = delete;

    [[nodiscard]] bool is_connected() const { return is_connected_; }
    void send(std::string_view bytes) const {
        (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    // Until the end of one reply: a line, or a bulk string of its announced size.
    [[nodiscard]] std::string read_reply() const {
        std::string got;
        std::array<char, 65536> buffer;
        for (;;) {
            const auto line_end = got.find("\r\n");
            if (line_end != std::string::npos) {
                if (got[0] != '$') return got;
                const auto size = std::strtol(got.c_str() + 1, nullptr, 10);
                const auto whole =
                    line_end + 2 + (size < 0 ? 0 : static_cast<std::size_t>(size) + 2);
                if (got.size() >= whole) return got;
            }
            const auto n = ::recv(fd_, buffer.data(), buffer.size(), 0);
            if (n <= 0) return got;
            got.append(buffer.data(), static_cast<std::size_t>(n));
        }
    }

private:
    int fd_ = -1;
    bool is_connected_ = false;
};

}  // namespace

// start() reports a port that another process has taken meanwhile.
std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&any), size) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size) == 0;
    ::close(fd);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(any.sin_port);
}

private_redis::private_redis(std::vector<std::string> options) : options_(std::move(options)) {
    auto pattern = (std::filesystem::temp_directory_path() / "hr-redis-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    unix_path_ = folder_ + "/redis.sock";
    for (std::size_t i = 0; i + 1 < options_.size(); ++i) {
        if (options_[i] == "--requirepass") password_ = options_[i + 1];
    }
    start();
}

private_redis::~private_redis() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void private_redis::start() {
    if (port_ == 0) port_ = free_port();
    std::vector<std::string> words{"redis-server", "--port",    std::to_string(port_),
                                   "--bind",       "127.0.0.1", "--unixsocket",
                                   unix_path_,     "--dir",     folder_,
                                   "--save",       "",          "--appendonly",
                                   "no",           "--logfile", folder_ + "/redis.log"};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    const int failed =
        ::posix_spawnp(&pid_, "redis-server", nullptr, nullptr, argv.data(), environ);
    if (failed != 0)
        throw std::runtime_error(std::string("redis-server: ") + std::strerror(failed));
    wait_until_ready();
}

void private_redis::wait_until_ready() {
    const auto by = steady::now() + 20s;
    while (steady::now() < by) {
        if (ask("PING").starts_with("+PONG")) return;
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error("redis-server ended at once: see " + folder_ + "/redis.log");
        }
        std::this_thread::sleep_for(5ms);  // between looks at the server
    }
    throw std::runtime_error("redis-server did not answer within 20 s");
}

void private_redis::kill() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

void private_redis::suspend() {
    (void)::kill(pid_, SIGSTOP);
}

void private_redis::resume() {
    (void)::kill(pid_, SIGCONT);
}

std::string private_redis::ask(std::string_view command) {
    const plain_socket socket(unix_path_);
    if (!socket.is_connected()) return {};
    if (!password_.empty()) {
        socket.send("AUTH " + password_ + "\r\n");
        (void)socket.read_reply();
    }
    socket.send(std::string(command) + "\r\n");
    return socket.read_reply();
}

std::vector<std::string> private_redis::client_names() {
    std::vector<std::string> names;
    std::istringstream lines(ask("CLIENT LIST"));
    for (std::string line; std::getline(lines, line);) {
        const auto at = line.find(" name=");
        if (at == std::string::npos) continue;
        if (line.find(" cmd=client|list") != std::string::npos) continue;
        names.push_back(line.substr(at + 6, line.find(' ', at + 1) - at - 6));
    }
    return names;
}

std::size_t private_redis::count_clients(std::string_view name) {
    return static_cast<std::size_t>(std::ranges::count(client_names(), name));
}

}  // namespace headroom::test
