// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/folder_walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include <fmt/format.h>

namespace headroom::chat {
namespace {

struct close_folder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using open_folder_stream = std::unique_ptr<DIR, close_folder>;

// A stream of its own place: `folder` stays where it is.
open_folder_stream stream_of(int folder) {
    const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return nullptr;
    DIR* stream = ::fdopendir(own);
    if (stream == nullptr) ::close(own);
    return open_folder_stream(stream);
}

const dirent* next_entry(DIR* stream) {
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return entry;
    }
    return nullptr;
}

struct walk {
    const walk_bounds& within;
    const std::function<void(const std::string&, const struct stat&)>& on_entry;
    std::uint64_t entries = 0;

    bool enter(int folder, const std::string& path, unsigned level) {
        const open_folder_stream stream = stream_of(folder);
        if (!stream || level > within.levels_max) return false;
        bool is_complete = true;
        while (const dirent* entry = next_entry(stream.get())) {
            if (entries == within.entries_max) return false;
            struct stat seen{};
            // Gone in between: the code may still run.
            if (::fstatat(folder, entry->d_name, &seen, AT_SYMLINK_NOFOLLOW) != 0) continue;
            ++entries;
            const std::string below = path + entry->d_name;
            on_entry(below, seen);
            if (!S_ISDIR(seen.st_mode)) continue;
            const owned_descriptor opened = enter_folder(folder, entry->d_name);
            if (!opened.is_open()) {
                // Replaced in between: it is no folder any more.
                const bool is_none = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
                is_complete = is_complete && is_none;
            } else if (!enter(opened.get(), below + '/', level + 1)) {
                is_complete = false;
            }
        }
        return is_complete;
    }
};

// Takes the folders out of `folder` and puts them beside it, so that depth does not matter.
void empty_into(int top, int folder, std::uint64_t& next_number, deadline by) {
    const open_folder_stream stream = stream_of(folder);
    if (!stream) return;
    while (const dirent* entry = next_entry(stream.get())) {
        if (clock::now() >= by) return;
        if (::unlinkat(folder, entry->d_name, 0) == 0 || errno == ENOENT) continue;
        if (::unlinkat(folder, entry->d_name, AT_REMOVEDIR) == 0) continue;
        // Moving a folder changes its "..": its owner needs the right to write in it.
        (void)::fchmodat(folder, entry->d_name, S_IRWXU, AT_SYMLINK_NOFOLLOW);
        const std::string name = fmt::format(".taken-{}", next_number++);
        (void)::renameat2(folder, entry->d_name, top, name.c_str(), RENAME_NOREPLACE);
    }
}

bool is_empty(int folder) {
    const open_folder_stream stream = stream_of(folder);
    return stream && next_entry(stream.get()) == nullptr;
}

}  // namespace

owned_descriptor enter_folder(int parent, const char* name) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    owned_descriptor opened(::openat(parent, name, flags));
    if (!opened.is_open()) {
        // No link is followed here either: glibc refuses to change the mode of one.
        if (errno != EACCES || ::fchmodat(parent, name, S_IRWXU, AT_SYMLINK_NOFOLLOW) != 0)
            return opened;
        opened = owned_descriptor(::openat(parent, name, flags));
    }
    // Readable, but not to be searched: its entries could be named and not looked at.
    struct stat seen{};
    if (opened.is_open() && ::fstat(opened.get(), &seen) == 0 && (seen.st_mode & S_IXUSR) == 0)
        (void)::fchmod(opened.get(), S_IRWXU);
    return opened;
}

bool walk_folder(int folder, const walk_bounds& within,
                 const std::function<void(const std::string&, const struct stat&)>& on_entry) {
    return walk{within, on_entry}.enter(folder, {}, 1);
}

bool remove_folder(int parent, const std::string& name, deadline by) {
    const owned_descriptor top = enter_folder(parent, name.c_str());
    if (!top.is_open()) return errno == ENOENT;
    (void)::fchmod(top.get(), S_IRWXU);
    std::uint64_t next_number = 0;
    while (!is_empty(top.get()) && clock::now() < by) {
        const open_folder_stream stream = stream_of(top.get());
        if (!stream) return false;
        while (const dirent* entry = next_entry(stream.get())) {
            if (clock::now() >= by) return false;
            if (::unlinkat(top.get(), entry->d_name, 0) == 0) continue;
            const owned_descriptor folder = enter_folder(top.get(), entry->d_name);
            if (!folder.is_open()) continue;
            (void)::fchmod(folder.get(), S_IRWXU);
            empty_into(top.get(), folder.get(), next_number, by);
            (void)::unlinkat(top.get(), entry->d_name, AT_REMOVEDIR);
        }
    }
    return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
}

}  // namespace headroom::chat
