// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/adopted_processes.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>

#include "chat/executor/process_sampler.hpp"

namespace headroom::chat {
namespace {

constexpr auto between_looks = std::chrono::milliseconds(2);

std::vector<pid_t> children_of_this_process() {
    std::vector<pid_t> children;
    for (const process_stat& one : processes_of_this_host()) {
        if (one.parent == ::getpid()) children.push_back(static_cast<pid_t>(one.pid));
    }
    return children;
}

}  // namespace

result<adopted_processes> adopted_processes::begin() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        return failure(std::error_code(errno, std::generic_category()),
                       "prctl(PR_SET_CHILD_SUBREAPER)");
    }
    adopted_processes made;
    made.children_before_ = children_of_this_process();
    return made;
}

void adopted_processes::end_all(deadline by) const {
    for (;;) {
        std::size_t left = 0;
        for (const pid_t child : children_of_this_process()) {
            if (std::ranges::find(children_before_, child) != children_before_.end()) continue;
            ++left;
            (void)::kill(child, SIGKILL);
            (void)::waitpid(child, nullptr, WNOHANG);
        }
        if (left == 0 || clock::now() >= by) return;
        std::this_thread::sleep_for(between_looks);
    }
}

}  // namespace headroom::chat
