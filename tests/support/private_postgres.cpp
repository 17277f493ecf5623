// SPDX-License-Identifier: Apache-2.0
#include "support/private_postgres.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace headroom::test {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

struct account {
    uid_t user = 0;
    gid_t group = 0;
};

// Postgres refuses to run as root.
account unprivileged() {
    for (const char* name : {"postgres", "nobody"}) {
        if (const auto* found = ::getpwnam(name)) return {found->pw_uid, found->pw_gid};
    }
    throw std::runtime_error("neither a user 'postgres' nor 'nobody' exists");
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string contents(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

private_postgres::private_postgres(private_postgres_options options)
    : options_(std::move(options)) {
    auto pattern = (fs::temp_directory_path() / "hr-pg-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    if (::geteuid() == 0) {
        const auto who = unprivileged();
        if (::chown(folder_.c_str(), who.user, who.group) != 0) {
            throw std::runtime_error("chown " + folder_ + " failed");
        }
    }
    const auto made = wait_for(spawn({program("initdb"), "-D", folder_ + "/data", "-A", "trust",
                                      "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"}));
    if (made != 0) throw std::runtime_error("initdb: " + contents(folder_ + "/log"));
    const auto rules = folder_ + "/data/pg_hba.conf";
    std::ofstream hba(rules, std::ios::trunc);
    for (const auto& rule : options_.access_rules)
        hba << rule << '\n';
    hba << "local all all trust\n";
    hba.close();
    start();
    (void)psql("postgres", "CREATE ROLE app LOGIN");
    (void)psql("postgres", "CREATE DATABASE app OWNER app");
}

private_postgres::~private_postgres() {
    kill();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::vector<std::pair<std::string, std::string>> private_postgres::connection() const {
    return {{"host", folder_}, {"dbname", "app"}, {"user", "app"}, {"sslmode", "disable"}};
}

std::string private_postgres::program(std::string_view name) const {
    std::vector<fs::path> versions;
    std::error_code none;
    for (const auto& each : fs::directory_iterator("/usr/lib/postgresql", none)) {
        const auto path = each.path() / "bin" / name;
        if (fs::exists(path)) versions.push_back(path);
    }
    if (versions.empty()) return std::string(name);
    return std::ranges::max(versions).string();
}

pid_t private_postgres::spawn(const std::vector<std::string>& words) const {
    std::vector<char*> argv;
    for (const auto& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const auto log = folder_ + "/log";
    const bool drops = ::geteuid() == 0;
    const auto who = drops ? unprivileged() : account{};

    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid > 0) return pid;
    // In the child: only calls that are safe after a fork.
    if (drops &&
        (::setgroups(0, nullptr) != 0 || ::setgid(who.group) != 0 || ::setuid(who.user) != 0)) {
        ::_exit(126);
    }
    // A test that dies takes its server along. (A change of user clears this: set after it.)
    (void)::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    (void)::dup2(out, STDOUT_FILENO);
    (void)::dup2(out, STDERR_FILENO);
    (void)::chdir("/");
    ::execvp(argv[0], argv.data());
    ::_exit(127);
}

void private_postgres::start() {
    // After a kill the sessions of the former server end by themselves, and until then a new one
    // refuses to start.
    const auto by = steady::now() + 30s;
    do {
        pid_ = spawn({program("postgres"), "-D", folder_ + "/data", "-k", folder_, "-c",
                      "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=8MB", "-c",
                      "max_connections=" + std::to_string(options_.max_connections), "-c",
                      "max_wal_senders=0", "-c", "log_min_messages=warning"});
        if (becomes_ready(by)) return;
    } while (steady::now() < by);
    kill();
    throw std::runtime_error("postgres did not start within 30 s: " + contents(folder_ + "/log"));
}

bool private_postgres::becomes_ready(steady::time_point by) {
    while (steady::now() < by) {
        if (psql("postgres", "SELECT 1").first == 0) return true;
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = -1;
            return false;
        }
        std::this_thread::sleep_for(10ms);  // between looks at the server
    }
    return false;
}

void private_postgres::kill() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGKILL);
    (void)wait_for(pid_);
    pid_ = -1;
}

std::pair<int, std::string> private_postgres::psql(std::string_view database,
                                                   std::string_view sql) const {
    std::string quoted;
    for (const char c : sql) {
        if (c == '\'') {
            quoted += "'\\''";
        } else {
            quoted += c;
        }
    }
    const auto command = "psql -XqAt -v ON_ERROR_STOP=1 -U postgres -h '" + folder_ + "' -d " +
                         std::string(database) + " -c '" + quoted + "' 2>/dev/null";
    FILE* pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr) throw std::runtime_error("popen failed");
    std::string output;
    std::array<char, 4096> buffer;
    while (const auto n = std::fread(buffer.data(), 1, buffer.size(), pipe))
        output.append(buffer.data(), n);
    const int status = ::pclose(pipe);
    while (output.ends_with('\n'))
        output.pop_back();
    return {status, output};
}

std::string private_postgres::ask(std::string_view sql) const {
    auto [status, output] = psql("app", sql);
    if (status != 0) throw std::runtime_error("psql failed: " + std::string(sql));
    return output;
}

std::size_t private_postgres::sessions(std::string_view prefix) const {
    const auto count = ask("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '" +
                           std::string(prefix) + "%'");
    return std::stoul(count);
}

}  // namespace headroom::test
