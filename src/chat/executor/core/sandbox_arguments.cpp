// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/sandbox_arguments.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

// Looked at by the dynamic loader, by programs that Debian chooses among, and for the time of day.
constexpr std::array system_files{"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime",
                                  "/etc/nsswitch.conf"};

struct failure_meaning {
    std::string_view said;
    std::string_view meaning;
};

constexpr std::string_view no_namespaces =
    "this user may make no user namespaces here. Allow them (sysctl -w "
    "kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0; where AppArmor "
    "restricts them, kernel.apparmor_restrict_unprivileged_userns=0 or a profile for bwrap; in "
    "a container, the container's own walls)";

constexpr std::array meanings{
    failure_meaning{"No permissions to creat", no_namespaces},
    failure_meaning{"Creating new namespace failed", no_namespaces},
    failure_meaning{"uid map", no_namespaces},
    failure_meaning{"RTM_NEWADDR", no_namespaces},
    failure_meaning{"Unknown option", "this bubblewrap is too old: 0.8 or newer is needed"},
    failure_meaning{"Can't mount proc",
                    "the host's /proc is partly hidden, as it is in a "
                    "container: run it with the container's own walls"},
};

}  // namespace

std::vector<std::string> sandbox_arguments(const sandbox_layout& of) {
    std::vector<std::string> words;
    const auto add = [&words](std::initializer_list<std::string> more) {
        words.insert(words.end(), more);
    };
    add({"--unshare-all", "--unshare-user", "--disable-userns"});
    add({"--uid", fmt::format("{}", sandbox_uid), "--gid", fmt::format("{}", sandbox_uid)});
    add({"--hostname", "executor", "--new-session", "--die-with-parent", "--as-pid-1"});
    add({"--json-status-fd", fmt::format("{}", of.status_descriptor)});

    add({"--ro-bind", "/usr", "/usr"});
    for (const top_folder& each : of.top_folders) {
        if (each.link_target.empty())
            add({"--ro-bind-try", each.path, each.path});
        else
            add({"--symlink", each.link_target, each.path});
    }
    add({"--perms", "0755", "--dir", "/etc"});
    for (const std::string file : system_files)
        add({"--ro-bind-try", file, file});
    add({"--proc", "/proc", "--dev", "/dev"});
    const std::string size = fmt::format("{}", of.memory_folder_bytes);
    for (const std::string folder : {"/tmp", "/dev/shm"})
        add({"--perms", "1777", "--size", size, "--tmpfs", folder});
    for (const std::string folder : {"/run", "/run/headroom", "/workspace"})
        add({"--perms", "0755", "--dir", folder});
    for (const sandbox_file& file : of.files) {
        add({"--perms", file.is_program ? "0555" : "0444", "--ro-bind-data",
             fmt::format("{}", file.descriptor), file.path});
    }
    add({"--bind", of.work_folder, of.inner_work_folder});
    add({"--bind", of.output_folder, of.inner_output_folder});
    // Last: bubblewrap made the places for all others in these two.
    add({"--remount-ro", "/dev", "--remount-ro", "/"});
    add({"--clearenv", "--chdir", of.inner_work_folder});
    return words;
}

std::string describe_failed_sandbox(std::string_view said) {
    while (said.ends_with('\n'))
        said.remove_suffix(1);
    std::string_view why = "install or repair the Debian package bubblewrap";
    for (const failure_meaning& each : meanings) {
        if (!said.contains(each.said)) continue;
        why = each.meaning;
        break;
    }
    return fmt::format("bubblewrap cannot make a sandbox: {}. It says: {}", why,
                       said.empty() ? "nothing" : printable_excerpt(said, 300));
}

std::optional<int> first_process_of(std::string_view status) {
    constexpr std::string_view member = "\"child-pid\":";
    const std::size_t at = status.find(member);
    if (at == std::string_view::npos) return std::nullopt;
    status.remove_prefix(at + member.size());
    const std::size_t start = std::min(status.find_first_not_of(' '), status.size());
    status.remove_prefix(start);
    int pid = 0;
    const auto read = std::from_chars(status.data(), status.data() + status.size(), pid);
    // Something follows the number: it is whole.
    const bool is_whole = read.ec == std::errc{} && read.ptr != status.data() + status.size();
    if (!is_whole || pid <= 0) return std::nullopt;
    return pid;
}

std::string sandbox_passwd() {
    return fmt::format(
        "code:x:{0}:{0}:executed code:/workspace/work:/bin/sh\n"
        "nobody:x:65534:65534:everybody else:/nonexistent:/usr/sbin/nologin\n",
        sandbox_uid);
}

std::string sandbox_group() {
    return fmt::format("code:x:{}:\nnogroup:x:65534:\n", sandbox_uid);
}

}  // namespace headroom::chat
