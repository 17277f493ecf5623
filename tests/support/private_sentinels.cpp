// SPDX-License-Identifier: Apache-2.0
#include "support/private_sentinels.hpp"

#include <poll.h>
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
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace headroom::test {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::string_view end_mark = "+PONG\r\n";

sockaddr_un address_of(const std::string& path) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    return to;
}

void wait_for(const char* what, const std::function<bool()>& condition) {
    const auto by = steady::now() + 30s;
    while (!condition()) {
        if (steady::now() >= by) throw std::runtime_error(std::string("not in time: ") + what);
        std::this_thread::sleep_for(20ms);  // between looks at the servers
    }
}

std::size_t count_words(const std::string& in, std::string_view word) {
    std::size_t count = 0;
    for (auto at = in.find(word); at != std::string::npos; at = in.find(word, at + word.size()))
        ++count;
    return count;
}

std::vector<std::string> names_in(const std::string& client_list) {
    std::vector<std::string> names;
    std::istringstream lines(client_list);
    for (std::string line; std::getline(lines, line);) {
        const auto at = line.find(" name=");
        if (at != std::string::npos)
            names.push_back(line.substr(at + 6, line.find(' ', at + 1) - at - 6));
    }
    return names;
}

}  // namespace

private_sentinel::private_sentinel(std::uint16_t primary_port, std::string password,
                                   std::string_view tls_lines)
    : password_(std::move(password)), port_(free_port()) {
    auto pattern = (std::filesystem::temp_directory_path() / "hr-sentinel-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    std::ofstream conf(folder_ + "/sentinel.conf");
    if (tls_lines.empty()) {
        conf << "port " << port_ << "\n";
    } else {
        conf << "port 0\ntls-port " << port_ << "\ntls-replication yes\n" << tls_lines;
    }
    conf << "bind 127.0.0.1\nunixsocket " << unix_path() << "\ndir " << folder_ << "\nlogfile "
         << folder_ << "/sentinel.log\nsentinel monitor shop 127.0.0.1 " << primary_port
         << " 2\nsentinel down-after-milliseconds shop 1000\nsentinel failover-timeout shop 3000\n"
            "sentinel parallel-syncs shop 2\n";
    if (!password_.empty())
        conf << "requirepass " << password_ << "\nsentinel sentinel-pass " << password_ << "\n";
    conf.close();
    start();
}

private_sentinel::~private_sentinel() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void private_sentinel::start() {
    std::vector<std::string> words{"redis-server", folder_ + "/sentinel.conf", "--sentinel"};
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    if (::posix_spawnp(&pid_, "redis-server", nullptr, nullptr, argv.data(), environ) != 0)
        throw std::runtime_error("redis-server --sentinel cannot be started");
    wait_for("a sentinel that answers", [this] { return ask("SENTINEL MYID").starts_with("$40"); });
}

void private_sentinel::kill() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

void private_sentinel::suspend() {
    (void)::kill(pid_, SIGSTOP);
}

void private_sentinel::resume() {
    (void)::kill(pid_, SIGCONT);
}

std::string private_sentinel::ask(std::string_view command) const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto to = address_of(unix_path());
    std::string got;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
        std::string out;
        if (!password_.empty()) out = "AUTH " + password_ + "\r\n";
        // A sentinel knows no QUIT: the answer to a PING tells that the one before it is whole.
        out += std::string(command) + "\r\nPING\r\n";
        (void)!::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
        std::array<char, 65536> buffer;
        pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
        while (::poll(&watched, 1, 1000) > 0) {
            const auto n = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (n <= 0) break;
            got.append(buffer.data(), static_cast<std::size_t>(n));
            if (got.ends_with(end_mark)) break;
        }
        if (got.ends_with(end_mark)) got.erase(got.size() - end_mark.size());
    }
    ::close(fd);
    if (!password_.empty() && got.starts_with("+OK\r\n")) got.erase(0, 5);
    return got;
}

std::size_t private_sentinel::count_clients(std::string_view name_end) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        names_in(ask("CLIENT LIST")),
        [name_end](const std::string& name) { return name.ends_with(name_end); }));
}

sentinel_world::sentinel_world(std::string sentinel_password) {
    const std::vector<std::string> quick{"--repl-diskless-sync-delay", "0"};
    servers_.push_back(std::make_unique<private_redis>(quick));
    const auto primary = servers_.front()->port();
    for (int i = 0; i < 2; ++i) {
        auto options = quick;
        options.insert(options.end(), {"--replicaof", "127.0.0.1", std::to_string(primary)});
        servers_.push_back(std::make_unique<private_redis>(options));
    }
    wait_for("replicas in step", [this] {
        return count_words(servers_.front()->ask("INFO replication"), "state=online") == 2;
    });
    for (int i = 0; i < 3; ++i)
        sentinels_.push_back(std::make_unique<private_sentinel>(primary, sentinel_password));
    wait_for("sentinels that know each other and the replicas", [this] {
        return std::ranges::all_of(sentinels_, [](const auto& each) {
            return each->ask("SENTINEL CKQUORUM shop").starts_with("+OK 3") &&
                   count_words(each->ask("SENTINEL REPLICAS shop"),
                               "role-reported\r\n$5\r\nslave") == 2 &&
                   count_words(each->ask("SENTINEL REPLICAS shop"),
                               "master-link-status\r\n$2\r\nok") == 2;
        });
    });
}

private_redis& sentinel_world::server_at(std::uint16_t port) {
    const auto at =
        std::ranges::find(servers_, port, [](const auto& each) { return each->port(); });
    if (at == servers_.end()) throw std::runtime_error("no server at port " + std::to_string(port));
    return **at;
}

std::uint16_t sentinel_world::primary_port() const {
    for (const auto& each : sentinels_) {
        if (!each->is_running()) continue;
        const auto told = each->ask("SENTINEL GET-MASTER-ADDR-BY-NAME shop");
        const auto port = told.find("127.0.0.1\r\n$");
        if (port == std::string::npos) continue;
        const auto digits = told.find("\r\n", port + 12);
        return static_cast<std::uint16_t>(std::strtoul(told.c_str() + digits + 2, nullptr, 10));
    }
    return 0;
}

std::size_t sentinel_world::count_on_sentinels(std::string_view name_end) const {
    std::size_t count = 0;
    for (const auto& each : sentinels_) {
        if (each->is_running()) count += each->count_clients(name_end);
    }
    return count;
}

std::size_t sentinel_world::count_on(private_redis& server, std::string_view name_begin) {
    return static_cast<std::size_t>(std::ranges::count_if(
        server.client_names(),
        [name_begin](const std::string& name) { return name.starts_with(name_begin); }));
}

}  // namespace headroom::test
