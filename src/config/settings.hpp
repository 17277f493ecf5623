// SPDX-License-Identifier: Apache-2.0
// What one chatd, and each of its workers, was told to do: validated once at start, never changed
// after. Not how it is read (load.hpp), nor which variable means what (variable_table.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/count.hpp"
#include "base/secret.hpp"

namespace headroom::config {

// Which half of the service a process runs.
enum class service_role { all, ingress, proc };

// Where a value came from, for the report at start and for the operator's tool.
enum class origin { built_in, environment, gateway_json, gateway_yaml };

[[nodiscard]] std::string_view to_string(service_role role);
[[nodiscard]] std::string_view to_string(origin from);

struct tcp_address {
    std::string host;  // a name or an address; an IPv6 address without its brackets
    std::uint16_t port = 0;
    bool operator==(const tcp_address&) const = default;
};

struct unix_address {
    std::string path;
    bool operator==(const unix_address&) const = default;
};

// Sentinels that know which server is the primary.
struct sentinel_address {
    std::vector<tcp_address> sentinels;  // 1 to sentinels_max, asked in this order
    std::string primary_name;            // as the sentinels call it
    bool operator==(const sentinel_address&) const = default;
};
inline constexpr std::size_t sentinels_max = 16;

using redis_address = std::variant<tcp_address, unix_address, sentinel_address>;

// Of rediss://. Files are absolute paths, because executors run in folders of their own.
struct redis_tls {
    bool verifies_peer = true;
    std::string ca_file = {};           // empty: the system's authorities
    std::string certificate_file = {};  // with key_file; empty: none
    std::string key_file = {};
    std::string server_name = {};  // empty: the host
    bool operator==(const redis_tls&) const = default;
};

struct redis_settings {
    bool embedded =
        true;  // nobody named a server: the supervisor starts one; `address` means nothing
    redis_address address;
    std::optional<redis_tls> tls;   // empty: plain
    std::string username;           // empty: the default user
    secret password;                // empty: no AUTH
    std::string sentinel_username;  // of the sentinels themselves, in the same way
    secret sentinel_password;
    std::uint32_t database = 0;

    std::optional<connection_count> connections_max;  // of each pool; empty: unbounded
    std::chrono::milliseconds health_interval{5000};
    std::chrono::milliseconds health_timeout{2000};

    bool operator==(const redis_settings&) const = default;
};

// A libpq connection keyword and its value, for example {"host", "db1,db2"}.
struct libpq_parameter {
    std::string keyword;
    std::string value;
    bool operator==(const libpq_parameter&) const = default;
};

struct postgres_settings {
    bool embedded =
        true;  // nobody named a server: the supervisor starts one; `parameters` is empty
    std::vector<libpq_parameter> parameters;  // in the order of the table, without the password
    secret password;                          // empty: none given

    connection_count pool_min{0};
    connection_count pool_max{5};  // hard cap of one process

    bool operator==(const postgres_settings&) const = default;
};

struct service_capacity {
    std::uint64_t concurrent_requests_per_process = 5;
    worker_count processes_per_instance{2};
    std::chrono::milliseconds avg_processing_time{25'000};
    bool operator==(const service_capacity&) const = default;
};

struct service_limits {
    std::uint64_t max_queue_size = 1000;                     // beyond: 503 with Retry-After
    std::uint64_t max_sse_connections_per_instance = 10000;  // beyond: 429 with Retry-After
    std::uint64_t max_message_chars = 32000;
    bool operator==(const service_limits&) const = default;
};

// Where executions run: a child process of the worker, or `docker run`.
enum class launcher_kind { child, docker };
[[nodiscard]] std::string_view to_string(launcher_kind kind);

// Of the code that a bundle runs for a turn. Limits are those of one execution.
struct executor_settings {
    connection_count running_max{4};  // of one worker at the same time, each at most one connection
    launcher_kind launcher = launcher_kind::child;
    bool unsandboxed = false;    // run without isolation where there is none
    std::string docker_image;    // empty: none given
    std::string docker_network;  // empty: none, and then no events
    std::chrono::milliseconds wall_time{60'000};
    std::chrono::milliseconds cpu_time{30'000};
    std::uint64_t memory_mib = 512;
    std::uint64_t processes = 64;
    std::uint64_t output_kib = 256;
    std::uint64_t folder_mib = 256;
    bool operator==(const executor_settings&) const = default;
};

// What CHAT_BUNDLE_<NAME>_<KEY> variables gave: by NAME, then by KEY, both in capitals. Which of
// them exist is the bundles' business (chat/bundles).
using bundle_settings =
    std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;

// One value as it stands after all sources were weighed. Secrets are masked.
struct resolved_setting {
    std::string name;  // of the variable, or the dotted key of the gateway document
    std::string value;
    origin from = origin::built_in;
};

struct settings {
    std::string name_prefix = "chat";  // process_identity::prefix
    std::string instance;              // process_identity::instance
    service_role role = service_role::all;
    std::string tenant = "home";
    std::string project = "default";
    std::vector<std::string> bundles{"echo"};
    bundle_settings of_bundles;

    std::string bind = "127.0.0.1";   // an IP address
    std::uint16_t app_port = 8010;    // 0: the system chooses
    std::uint16_t admin_port = 8011;  // loopback only; 0: the system chooses
    std::chrono::milliseconds start_timeout{60'000};
    std::chrono::milliseconds shutdown_budget{30'000};
    std::optional<secret> session_secret;  // empty: the supervisor makes one

    redis_settings redis;
    postgres_settings postgres;
    service_capacity capacity;
    service_limits limits;
    executor_settings executor;

    // The gateway document as JSON, empty when none was given. A supervisor hands it to its workers
    // as GATEWAY_CONFIG_JSON, so that a file edited meanwhile cannot make them differ from each
    // other.
    std::string gateway_json;

    std::vector<std::string> warnings;       // for the log at start; never an error
    std::vector<resolved_setting> resolved;  // in the order of the table, then of the document
};

}  // namespace headroom::config
