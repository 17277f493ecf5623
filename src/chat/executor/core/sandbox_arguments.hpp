// SPDX-License-Identifier: Apache-2.0
// What bubblewrap is told, and what its failure means. Starts nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::chat {

// A folder at the top of the host beside /usr: a link into /usr on a merged system, its own
// folder on others.
struct top_folder {
    std::string path;
    std::string link_target;  // empty: a folder
};

// Comes in by descriptor: the user that bubblewrap runs as may be unable to open the file.
struct sandbox_file {
    int descriptor = -1;
    std::string path;
    bool is_program = false;
};

struct sandbox_layout {
    std::vector<top_folder> top_folders;
    std::vector<sandbox_file> files;
    std::string work_folder;  // on the host
    std::string output_folder;
    std::string inner_work_folder;  // in the sandbox
    std::string inner_output_folder;
    std::uint64_t memory_folder_bytes = 0;  // of /tmp and of /dev/shm, each
    int status_descriptor = -1;             // where bubblewrap tells the first process' pid
};

// The options, to be passed by --args: they name paths that the arguments of a process would show.
[[nodiscard]] std::vector<std::string> sandbox_arguments(const sandbox_layout& of);

// For people: why no sandbox could be made, and what helps. `said` is bubblewrap's standard error.
[[nodiscard]] std::string describe_failed_sandbox(std::string_view said);

// The pid, on this host, of the first process in the sandbox, from what bubblewrap wrote to its
// status descriptor; nothing while that is not complete.
[[nodiscard]] std::optional<int> first_process_of(std::string_view status);

// The user and group that the program sees itself as.
inline constexpr unsigned sandbox_uid = 1000;
[[nodiscard]] std::string sandbox_passwd();
[[nodiscard]] std::string sandbox_group();

}  // namespace headroom::chat
