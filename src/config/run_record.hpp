// SPDX-License-Identifier: Apache-2.0
// run.json: what a chatd runs and where, so that tools find it and the next chatd can clean up
// after one that was killed. Holds no secret. Not where the file lies.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headroom::config {

// Which process is meant: a pid alone may have been given to another one meanwhile.
struct process_mark {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // in clock ticks since boot, /proc/<pid>/stat field 22

    bool operator==(const process_mark&) const = default;
};

struct recorded_server {
    process_mark process;
    std::string socket;         // of Redis the socket, of Postgres its folder
    std::string database = {};  // of Postgres only
    std::string user = {};      // of Postgres only
};

struct run_record {
    process_mark supervisor;
    std::string public_url;
    std::string admin_url;
    std::string socket_folder;
    std::optional<recorded_server> redis;
    std::optional<recorded_server> postgres;
    std::vector<process_mark> workers;
};

[[nodiscard]] std::string to_json(const run_record& record);
// Empty when the text is no such record.
[[nodiscard]] std::optional<run_record> parse_run_record(const std::string& text);

}  // namespace headroom::config
