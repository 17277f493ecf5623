// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/execution_folders.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "chat/core/chat_error.hpp"
#include "chat/executor/folder_walk.hpp"

namespace headroom::chat {
namespace {

// Not TMPDIR: it is the environment's, and for sockets and small files of services.
constexpr const char* temporary_folder = "/tmp";
constexpr std::string_view name_start = "headroom-execution-";
constexpr std::array inner_names{"work", "out", "tmp", "bin"};
// Of the entries that a listing looks at beyond those that it may list.
constexpr std::uint64_t listed_entries_max = 100'000;
constexpr std::size_t name_bytes_max = 1024;
constexpr auto removal_time_max = std::chrono::seconds(20);
// Of all that were left: they must not hold up an execution.
constexpr auto stale_removal_time_max = std::chrono::milliseconds(200);
// Between making a folder and locking it.
constexpr std::chrono::seconds unlocked_time_max{30};

std::unexpected<error> failed_at(std::string_view act, std::string_view path) {
    const int number = errno;
    return failure(chat_errc::execution_failed,
                   fmt::format("the execution's folder {}: cannot {}: {}", path, act,
                               std::generic_category().message(number)));
}

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// A folder whose executor was killed has lost its lock with it.
void remove_when_stale(int parent, const std::string& name, std::chrono::seconds older_than,
                       deadline by) {
    const owned_descriptor folder(
        ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat seen{};
    // Of our own user only: what others give such a name is theirs.
    if (!folder.is_open() || ::fstat(folder.get(), &seen) != 0 || seen.st_uid != ::geteuid())
        return;
    if (seen.st_ctime + older_than.count() > std::time(nullptr)) return;
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) return;
    (void)remove_folder(parent, name, by);
}

}  // namespace

result<std::unique_ptr<execution_folders>> execution_folders::make(
    std::optional<system_user> owner) {
    remove_stale(unlocked_time_max);
    std::string path = fmt::format("{}/{}XXXXXX", temporary_folder, name_start);
    if (::mkdtemp(path.data()) == nullptr) return failed_at("be made", path);
    owned_descriptor top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // From here on the destructor removes it.
    std::unique_ptr<execution_folders> made(new execution_folders(path, std::move(top), owner));
    if (!made->top_.is_open()) return failed_at("be opened", path);
    if (::flock(made->top_.get(), LOCK_EX | LOCK_NB) != 0) return failed_at("be locked", path);
    // The program's user finds what is in it by name; only we may add to it.
    if (owner && ::fchmod(made->top_.get(), 0711) != 0) return failed_at("change its mode", path);
    for (const char* name : inner_names) {
        if (auto done = made->make_inner(name); !done) return std::unexpected(done.error());
    }
    return made;
}

void execution_folders::remove_stale(std::chrono::seconds older_than) {
    DIR* stream = ::opendir(temporary_folder);
    if (stream == nullptr) return;
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream)) {
        if (std::string_view(entry->d_name).starts_with(name_start))
            names.emplace_back(entry->d_name);
    }
    const deadline by = clock::now() + stale_removal_time_max;
    for (const std::string& name : names) {
        if (clock::now() >= by) break;
        remove_when_stale(::dirfd(stream), name, older_than, by);
    }
    ::closedir(stream);
}

execution_folders::~execution_folders() {
    const std::string name = path_.substr(path_.rfind('/') + 1);
    const owned_descriptor parent(::open(temporary_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.is_open()) return;
    // What is left then loses its lock with us, and the next execution goes on.
    (void)remove_folder(parent.get(), name, clock::now() + removal_time_max);
}

result<void> execution_folders::make_inner(const char* name) {
    const std::string path = path_ + "/" + name;
    const bool is_program_folder = name == inner_names.back();
    const mode_t mode = is_program_folder ? 0755 : 0700;
    if (::mkdirat(top_.get(), name, mode) != 0) return failed_at("be made", path);
    if (::fchmodat(top_.get(), name, mode, 0) != 0) return failed_at("change its mode", path);
    if (owner_ && !is_program_folder &&
        ::fchownat(top_.get(), name, owner_->uid, owner_->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return failed_at("change its owner", path);
    return {};
}

result<void> execution_folders::put_source(std::string_view name, std::string_view text) const {
    const std::string path = fmt::format("{}/{}", work(), name);
    const owned_descriptor file(::open(
        path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file.is_open() || !write_all(file.get(), text)) return failed_at("be written to", path);
    if (owner_ && ::fchown(file.get(), owner_->uid, owner_->gid) != 0)
        return failed_at("change its owner", path);
    return {};
}

result<void> execution_folders::put_program(std::string_view name, int from) const {
    const std::string path = fmt::format("{}/{}", programs(), name);
    const owned_descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    std::array<char, 65536> buffer{};
    ssize_t got = 0;
    off_t at = 0;
    do {
        got = ::pread(from, buffer.data(), buffer.size(), at);
        const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
        if (got < 0 || !file.is_open() || !write_all(file.get(), {buffer.data(), size}))
            return failed_at("be written to", path);
        at += got;
    } while (got > 0);
    if (::fchmod(file.get(), 0555) != 0) return failed_at("change its mode", path);
    return {};
}

folder_sample execution_folders::measure(std::uint64_t entries_max) const {
    constexpr std::uint64_t block_bytes = 512;  // of st_blocks, man 3type stat
    folder_sample sample;
    for (const char* name : {"work", "out", "tmp"}) {
        const owned_descriptor folder = enter_folder(top_.get(), name);
        if (!folder.is_open()) {
            sample.is_complete = false;
            continue;
        }
        const walk_bounds bounds{.entries_max =
                                     entries_max + 1 - std::min(sample.entries, entries_max)};
        const bool is_complete =
            walk_folder(folder.get(), bounds, [&](const std::string&, const struct stat& seen) {
                ++sample.entries;
                sample.bytes += static_cast<std::uint64_t>(seen.st_blocks) * block_bytes;
            });
        sample.is_complete = sample.is_complete && is_complete;
    }
    return sample;
}

std::vector<left_file> execution_folders::files(std::uint32_t at_most,
                                                std::uint64_t& not_listed) const {
    std::vector<left_file> found;
    not_listed = 0;
    const owned_descriptor folder = enter_folder(top_.get(), "out");
    if (!folder.is_open()) return found;
    (void)walk_folder(folder.get(), {.entries_max = listed_entries_max},
                      [&](const std::string& path, const struct stat& seen) {
                          if (!S_ISREG(seen.st_mode)) return;
                          found.push_back({.name = printable_excerpt(path, name_bytes_max),
                                           .bytes = static_cast<std::uint64_t>(seen.st_size)});
                      });
    std::ranges::sort(found, {}, &left_file::name);
    if (found.size() > at_most) {
        not_listed = found.size() - at_most;
        found.resize(at_most);
    }
    return found;
}

}  // namespace headroom::chat
