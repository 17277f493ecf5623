// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/syscall_filter.hpp"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "chat/core/chat_error.hpp"
#include "chat/executor/owned_descriptor.hpp"

namespace headroom::chat {
namespace {

struct refused_call {
    const char* name;
    int answer;
};

// ptrace and process_vm_* stay: the only processes in reach are the code's own.
constexpr std::array refused{
    // Memory that belongs to no process and to no folder: the watch would not see it.
    refused_call{"memfd_create", EPERM},
    refused_call{"memfd_secret", EPERM},
    refused_call{"shmget", EPERM},
    refused_call{"msgget", EPERM},
    refused_call{"semget", EPERM},
    // Keyrings belong to a user, not to a namespace: they would be shared with other executions.
    refused_call{"keyctl", EPERM},
    refused_call{"add_key", EPERM},
    refused_call{"request_key", EPERM},
    // Large parts of the kernel that ordinary code does without, and most escapes went through.
    refused_call{"bpf", EPERM},
    refused_call{"perf_event_open", EPERM},
    refused_call{"userfaultfd", EPERM},
    refused_call{"io_uring_setup", EPERM},
    refused_call{"io_uring_enter", EPERM},
    refused_call{"io_uring_register", EPERM},
    // Another view of files or of processes. bubblewrap allows no new user namespace either;
    // without bubblewrap this is what refuses it.
    refused_call{"unshare", EPERM},
    refused_call{"setns", EPERM},
    refused_call{"mount", EPERM},
    refused_call{"umount2", EPERM},
    refused_call{"pivot_root", EPERM},
    refused_call{"chroot", EPERM},
    refused_call{"open_tree", EPERM},
    refused_call{"move_mount", EPERM},
    refused_call{"fsopen", EPERM},
    refused_call{"fsconfig", EPERM},
    refused_call{"fsmount", EPERM},
    refused_call{"fspick", EPERM},
    refused_call{"mount_setattr", EPERM},
    refused_call{"open_by_handle_at", EPERM},
    // Its flags are behind a pointer that a filter cannot follow. "Not there" makes libraries use
    // clone, whose flags are looked at below.
    refused_call{"clone3", ENOSYS},
};

struct release_filter {
    void operator()(void* context) const { seccomp_release(context); }
};

int add_rules(scmp_filter_ctx context) {
    for (const refused_call& each : refused) {
        const int number = seccomp_syscall_resolve_name(each.name);
        if (number == __NR_SCMP_ERROR) continue;  // newer than this libseccomp
        const auto answer = SCMP_ACT_ERRNO(static_cast<unsigned>(each.answer));
        const int failed = seccomp_rule_add(context, answer, number, 0);
        if (failed != 0) return failed;
    }
    for (const std::uint64_t flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET,
                                     CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
        const scmp_arg_cmp has_flag{
            .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = flag, .datum_b = flag};
        const int failed =
            seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, has_flag);
        if (failed != 0) return failed;
    }
    return 0;
}

std::unexpected<error> failed_with(int number) {
    return failure(chat_errc::execution_failed,
                   fmt::format("the filter of system calls cannot be made: {}",
                               std::generic_category().message(number)));
}

}  // namespace

result<std::string> make_syscall_filter() {
    const std::unique_ptr<void, release_filter> context(seccomp_init(SCMP_ACT_ALLOW));
    if (!context) return failed_with(ENOMEM);
    if (const int failed = add_rules(context.get()); failed != 0) return failed_with(-failed);
    const owned_descriptor file(::memfd_create("filter", MFD_CLOEXEC));
    if (!file.is_open()) return failed_with(errno);
    if (const int failed = seccomp_export_bpf(context.get(), file.get()); failed != 0)
        return failed_with(-failed);
    struct stat size{};
    if (::fstat(file.get(), &size) != 0) return failed_with(errno);
    std::string bytes(static_cast<std::size_t>(size.st_size), '\0');
    const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
    if (got != size.st_size) return failed_with(EIO);
    return bytes;
}

}  // namespace headroom::chat
