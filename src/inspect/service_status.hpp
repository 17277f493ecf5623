// SPDX-License-Identifier: Apache-2.0
// What a running chatd says of its workers and their pools on its admin port
// (GET /monitoring/system, docs/monitoring.md). Its word, not the servers'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace headroom::inspect {

struct reported_pool {
    std::string kind;
    std::optional<std::uint64_t> cap;  // empty: unbounded
    std::uint64_t size = 0;            // what it may hold on its server, opening and closing too
    std::uint64_t leased = 0;
    std::uint64_t waiting = 0;
};

// Of one worker, while CHAT_BUNDLES names `code`.
struct reported_executors {
    std::uint64_t max = 0;  // at the same time, each at most one Redis connection
    std::uint64_t running = 0;
    std::uint64_t waiting = 0;  // for their turn
};

struct reported_worker {
    std::int64_t pid = 0;
    std::string state;  // starting, ready, stopping, pausing
    bool is_ready = false;
    std::optional<std::uint64_t> age_ms;  // of what it said; empty: it has said nothing yet
    std::vector<reported_pool> pools;
    std::optional<reported_executors> executors =
        {};  // empty: it runs no code, or has said nothing

    [[nodiscard]] const reported_pool* pool(std::string_view kind) const;
};

struct service_status {
    std::string service;
    std::string instance;
    std::string version;
    std::vector<reported_worker> workers;
};

// The error says what is missing. What is newer than this tool is ignored.
[[nodiscard]] result<service_status> parse_service_status(std::string_view json);

// `admin_url`: "http://127.0.0.1:8011". No proxy is asked.
[[nodiscard]] result<service_status> ask_service(const std::string& admin_url, deadline by);

}  // namespace headroom::inspect
