// SPDX-License-Identifier: Apache-2.0
// run.json: what a chatd runs and where, so that tools find it and the next chatd can clean up
// after one that was killed. Holds no secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "chat/supervisor/process_mark.hpp"

namespace headroom::chat {

struct recorded_server {
    process_mark process;
    std::string socket;  // of Redis the socket, of Postgres its folder
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

}  // namespace headroom::chat
