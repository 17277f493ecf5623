// SPDX-License-Identifier: Apache-2.0
#include "chat/supervisor/data_folder.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/ids.hpp"

namespace headroom::chat {
namespace {

constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::size_t secret_bytes = 32;
// The longer one of the two socket names.
constexpr std::string_view socket_name = "/.s.PGSQL.5432";

std::error_code last_error() {
    return {errno, std::generic_category()};
}

// "/x/lock cannot be opened (Permission denied)"
std::unexpected<error> refused(std::string_view what) {
    const std::error_code why = last_error();
    return failure(why, fmt::format("{} ({})", what, why.message()));
}

std::string user_name(uid_t uid) {
    const passwd* found = ::getpwuid(uid);
    return found != nullptr ? found->pw_name : fmt::format("{}", uid);
}

result<std::string> read_file(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return refused(path);
    std::string text(file_bytes_max, '\0');
    const ssize_t got = ::read(descriptor, text.data(), text.size());
    const std::error_code why = last_error();
    ::close(descriptor);
    if (got < 0) return failure(why, path);
    text.resize(static_cast<std::size_t>(got));
    return text;
}

// Whole or not at all, also when the machine stops in between.
result<void> write_file(const std::string& path, const std::string& text) {
    const std::string fresh = path + ".new";
    (void)::unlink(fresh.c_str());
    const int descriptor =
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return refused(fresh + " cannot be written");
    const bool written =
        ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(descriptor) == 0;
    const std::error_code why = last_error();
    ::close(descriptor);
    if (!written) return failure(why, fresh + " cannot be written");
    if (::rename(fresh.c_str(), path.c_str()) != 0) return refused(path + " cannot be replaced");
    return {};
}

// A folder of our own, which nobody else put there.
result<void> claim_root(const folder_place& place) {
    const mode_t mode = place.server_user ? 0711 : 0700;
    if (::mkdir(place.root.c_str(), mode) != 0 && errno != EEXIST) {
        return refused(
            fmt::format("{} cannot be made: start chatd in a working "
                        "folder you may write to, or name servers with "
                        "REDIS_URL and PGHOST",
                        place.root));
    }
    struct stat found{};
    if (::lstat(place.root.c_str(), &found) != 0) return refused(place.root);
    if (!S_ISDIR(found.st_mode)) {
        return failure(std::make_error_code(std::errc::not_a_directory),
                       fmt::format("{} is no folder: move it away, or start chatd in another "
                                   "working folder",
                                   place.root));
    }
    if (found.st_uid != ::geteuid()) {
        return failure(std::make_error_code(std::errc::operation_not_permitted),
                       fmt::format("{} belongs to the user {}: start chatd as that user, or in "
                                   "another working folder",
                                   place.root, user_name(found.st_uid)));
    }
    if (::chmod(place.root.c_str(), mode) != 0 || ::access(place.root.c_str(), W_OK) != 0) {
        return failure(last_error(),
                       fmt::format("{} cannot be written: make it writable for the user {}, or "
                                   "start chatd in another working folder",
                                   place.root, user_name(::geteuid())));
    }
    return {};
}

result<int> lock(const std::string& root) {
    const std::string path = root + "/lock";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return refused(path + " cannot be opened");
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
    const std::error_code why = last_error();
    ::close(descriptor);
    std::string holder = "?";
    if (const auto text = read_file(root + "/run.json")) {
        if (const auto record = config::parse_run_record(*text))
            holder = fmt::format("{}", record->supervisor.pid);
    }
    return failure(why, fmt::format("{} is used by another chatd (pid {}): stop that one, or start "
                                    "this one in another working folder",
                                    root, holder));
}

}  // namespace

result<folder_place> default_place() {
    if (::geteuid() != 0) {
        std::error_code failed;
        const auto here = std::filesystem::current_path(failed);
        if (failed) return failure(failed, "the working folder cannot be found");
        return folder_place{.root = (here / ".headroom").string(), .server_user = {}};
    }
    for (const char* name : {"postgres", "nobody"}) {
        if (const passwd* found = ::getpwnam(name)) {
            return folder_place{.root = "/var/lib/headroom",
                                .server_user = system_user{found->pw_uid, found->pw_gid}};
        }
    }
    return failure(std::make_error_code(std::errc::invalid_argument),
                   "chatd runs as root, and there is neither a user postgres nor nobody for the "
                   "embedded servers: start chatd as an ordinary user");
}

result<data_folder> data_folder::open(const folder_place& place) {
    if (auto claimed = claim_root(place); !claimed) return std::unexpected(claimed.error());
    const auto locked = lock(place.root);
    if (!locked) return std::unexpected(locked.error());
    data_folder opened(place, *locked);
    if (const auto text = read_file(place.root + "/run.json"))
        opened.former_ = config::parse_run_record(*text);
    const std::string logs = place.root + "/log";
    if (::mkdir(logs.c_str(), 0700) != 0 && errno != EEXIST)
        return refused(logs + " cannot be made");
    if (auto chosen = opened.choose_socket_folder(); !chosen)
        return std::unexpected(chosen.error());
    return opened;
}

data_folder::data_folder(data_folder&& other) noexcept
    : root_(std::move(other.root_)),
      server_user_(other.server_user_),
      lock_(std::exchange(other.lock_, -1)),
      socket_folder_(std::move(other.socket_folder_)),
      former_(std::move(other.former_)) {}

data_folder::~data_folder() {
    if (lock_ >= 0) ::close(lock_);
}

std::string data_folder::log_file(const std::string& server) const {
    return fmt::format("{}/log/{}.log", root_, server);
}

result<void> data_folder::make_private(const std::string& path) const {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return refused(path + " cannot be made");
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return refused(path);
    const uid_t wanted = server_user_ ? server_user_->uid : ::geteuid();
    if (!S_ISDIR(found.st_mode) || (found.st_uid != wanted && found.st_uid != ::geteuid())) {
        return failure(
            std::make_error_code(std::errc::operation_not_permitted),
            fmt::format("{} is no folder of the user {}: move it away", path, user_name(wanted)));
    }
    if (server_user_ && ::chown(path.c_str(), server_user_->uid, server_user_->gid) != 0)
        return refused(path + " cannot be given to the servers' user");
    if (::chmod(path.c_str(), 0700) != 0) return refused(path);
    return {};
}

result<void> data_folder::choose_socket_folder() {
    socket_folder_ = root_ + "/run";
    if (socket_folder_.size() + socket_name.size() < sizeof(sockaddr_un::sun_path))
        return make_private(socket_folder_);
    std::string pattern = "/tmp/headroom-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        return failure(last_error(),
                       fmt::format("{} is too deep for a socket, and no folder can be made under "
                                   "/tmp: start chatd in a working folder with a shorter path",
                                   root_));
    }
    socket_folder_ = pattern;
    return make_private(socket_folder_);
}

result<void> data_folder::write_record(const run_record& record) const {
    return write_file(root_ + "/run.json", to_json(record));
}

result<secret> data_folder::session_secret() const {
    const std::string path = root_ + "/session_secret";
    auto kept = read_file(path);
    if (kept && kept->size() >= secret_bytes) return secret(std::move(*kept));
    // A new secret ends every session: only where there is none, or a broken one.
    if (!kept && kept.error().code != std::errc::no_such_file_or_directory)
        return std::unexpected(kept.error());
    std::string made = random_hex(secret_bytes);
    if (auto written = write_file(path, made); !written) return std::unexpected(written.error());
    return secret(std::move(made));
}

void data_folder::forget_run() {
    (void)::unlink((root_ + "/run.json").c_str());
    if (socket_folder_.starts_with("/tmp/headroom-")) {
        std::error_code ignored;
        std::filesystem::remove_all(socket_folder_, ignored);
    }
}

}  // namespace headroom::chat
