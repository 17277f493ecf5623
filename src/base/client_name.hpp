// SPDX-License-Identifier: Apache-2.0
// The name every connection carries on its server, so that CLIENT LIST and pg_stat_activity can be
// grouped by service, instance, process and pool: <prefix>:<instance>:<pid>:<kind>.
// One function writes it, its inverse reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom {

// PostgreSQL truncates application_name to NAMEDATALEN - 1 bytes
// (https://www.postgresql.org/docs/15/runtime-config-logging.html#GUC-APPLICATION-NAME).
inline constexpr std::size_t client_name_bytes_max = 63;

// What a connection is for. The first three are the Redis pools of a worker.
namespace pool_kind {
inline constexpr std::string_view async = "async";
inline constexpr std::string_view async_decode = "async_decode";
inline constexpr std::string_view sync = "sync";
inline constexpr std::string_view pg = "pg";
inline constexpr std::string_view executor = "executor";
inline constexpr std::string_view sentinel = "sentinel";  // to a sentinel, one a process
inline constexpr std::string_view tool = "tool";          // the operator's
}  // namespace pool_kind

// Who a process is, before the kind of pool is known.
struct process_identity {
    std::string prefix;    // service
    std::string instance;  // host or container; an executor's execution id
    std::int64_t pid = 0;
};

struct client_name {
    std::string prefix;
    std::string instance;
    std::int64_t pid = 0;
    std::string kind;

    bool operator==(const client_name&) const = default;
};

// Any byte outside '!'..'~' and any ':' inside prefix or instance becomes '_'. What is too long is
// cut so that the whole name fits client_name_bytes_max for *every* kind: a long instance keeps its
// tail behind six hex digits of a hash and '~'; pid and kind are never cut. Empty parts become "_".
[[nodiscard]] std::string format_client_name(const process_identity& who, std::string_view kind);

// The inverse, read from the right. Empty when the text is not of our form (unnamed and foreign
// clients).
[[nodiscard]] std::optional<client_name> parse_client_name(std::string_view text);

}  // namespace headroom
