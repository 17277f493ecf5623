// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/process_sampler.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace headroom::chat {
namespace {

// tmpfs keeps an inode in about this much memory, which it does not count as used space.
constexpr std::uint64_t inode_bytes = 1024;

std::chrono::milliseconds time_of(std::uint64_t ticks) {
    static const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return std::chrono::milliseconds(ticks * 1000 / ticks_per_second);
}

std::string read_file(int folder, const std::string& path) {
    const owned_descriptor file(::openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(4096, '\0');
    const ssize_t got = file.is_open() ? ::read(file.get(), text.data(), text.size()) : 0;
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return text;
}

std::vector<std::int64_t> list_pids(int proc) {
    std::vector<std::int64_t> pids;
    const int own = ::openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* stream = own < 0 ? nullptr : ::fdopendir(own);
    if (stream == nullptr) return pids;
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        std::int64_t pid = 0;
        const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (read.ec == std::errc{} && read.ptr == name.data() + name.size()) pids.push_back(pid);
    }
    ::closedir(stream);
    return pids;
}

std::vector<process_stat> read_processes(int proc) {
    std::vector<process_stat> all;
    for (const std::int64_t pid : list_pids(proc)) {
        if (auto stat = parse_process_stat(read_file(proc, fmt::format("{}/stat", pid))))
            all.push_back(*stat);
    }
    return all;
}

owned_descriptor open_path(const std::string& path, int flags) {
    return owned_descriptor(::open(path.c_str(), flags | O_DIRECTORY | O_CLOEXEC));
}

// `init` and what descends from it.
std::vector<process_stat> family_of(std::int64_t init, std::vector<process_stat> all) {
    std::set<std::int64_t> members{init};
    // A child may have a smaller pid than its parent, when pids began anew.
    for (std::size_t before = 0; before != members.size();) {
        before = members.size();
        for (const process_stat& one : all) {
            if (members.contains(one.parent)) members.insert(one.pid);
        }
    }
    std::erase_if(all, [&](const process_stat& one) { return !members.contains(one.pid); });
    return all;
}

}  // namespace

process_sampler process_sampler::of_sandbox(pid_t first) {
    // Its /proc and mounts are the sandbox's own, and nothing in it can change a mount.
    const std::string root = fmt::format("/proc/{}/root", first);
    process_sampler made;
    made.proc_ = open_path(root + "/proc", O_RDONLY);
    made.temporary_folder_ = open_path(root + "/tmp", O_PATH);
    made.shared_memory_folder_ = open_path(root + "/dev/shm", O_PATH);
    return made;
}

process_sampler process_sampler::of_descendants(pid_t init) {
    process_sampler made;
    made.proc_ = open_path("/proc", O_RDONLY);
    made.init_ = init;
    return made;
}

std::vector<process_stat> process_sampler::read_all() const {
    if (!proc_.is_open()) return {};
    auto all = read_processes(proc_.get());
    return init_ == 1 ? all : family_of(init_, std::move(all));
}

usage_sample process_sampler::look() {
    static const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    usage_sample sample;
    seen_.clear();
    for (const process_stat& one : read_all()) {
        if (one.pid == init_) {
            sample.reaped_cpu = time_of(one.reaped_ticks);
            continue;
        }
        seen_.push_back(one.pid);
        sample.processes.push_back({.pid = one.pid,
                                    .start_time = one.start_time,
                                    .own_cpu = time_of(one.own_ticks),
                                    .reaped_cpu = time_of(one.reaped_ticks),
                                    .resident_bytes = one.resident_pages * page_bytes,
                                    .threads = one.threads});
    }
    sample.memory_folder_bytes = memory_folder_bytes();
    return sample;
}

shared_memory_sample process_sampler::look_at_shared_memory() const {
    shared_memory_sample sum;
    for (const std::int64_t pid : seen_) {
        const auto one =
            parse_smaps_rollup(read_file(proc_.get(), fmt::format("{}/smaps_rollup", pid)));
        if (!one) continue;
        sum.private_bytes += one->private_bytes;
        sum.shared_bytes += one->shared_bytes;
    }
    return sum;
}

std::uint64_t process_sampler::written_bytes() {
    // A process adds what it wrote to its parent's when it is waited for.
    std::uint64_t sum = 0;
    const auto add = [&](std::int64_t pid) {
        sum += parse_written_bytes(read_file(proc_.get(), fmt::format("{}/io", pid))).value_or(0);
    };
    if (proc_.is_open()) {
        add(init_);
        for (const std::int64_t pid : seen_)
            add(pid);
    }
    written_bytes_ = std::max(written_bytes_, sum);
    return written_bytes_;
}

std::uint64_t process_sampler::memory_folder_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto* folder : {&temporary_folder_, &shared_memory_folder_}) {
        struct statfs seen{};
        if (!folder->is_open() || ::fstatfs(folder->get(), &seen) != 0) continue;
        bytes += (seen.f_blocks - seen.f_bfree) * static_cast<std::uint64_t>(seen.f_bsize);
        bytes += (seen.f_files - seen.f_ffree) * inode_bytes;
    }
    return bytes;
}

std::vector<process_stat> processes_of_this_host() {
    const owned_descriptor proc = open_path("/proc", O_RDONLY);
    if (!proc.is_open()) return {};
    return read_processes(proc.get());
}

std::optional<process_stat> process_of_this_host(std::int64_t pid) {
    return parse_process_stat(read_file(AT_FDCWD, fmt::format("/proc/{}/stat", pid)));
}

std::uint64_t count_threads_of(uid_t user) {
    std::uint64_t threads = 0;
    for (const process_stat& one : processes_of_this_host()) {
        struct stat seen{};
        const std::string path = fmt::format("/proc/{}", one.pid);
        if (::stat(path.c_str(), &seen) == 0 && seen.st_uid == user) threads += one.threads;
    }
    return threads;
}

}  // namespace headroom::chat
