// SPDX-License-Identifier: Apache-2.0
// redis://, rediss://, unix:// and redis+sentinel:// URLs, read and written. Connects to nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "config/settings.hpp"

namespace headroom::config {

struct redis_url {
    redis_address address = {};
    bool tls = false;
    std::string username = {};
    secret password = {};
    std::uint32_t database = 0;
    bool operator==(const redis_url&) const = default;
};

inline constexpr std::uint16_t redis_default_port = 6379;
inline constexpr std::uint16_t sentinel_default_port = 26379;
inline constexpr std::size_t primary_name_bytes_max = 128;
inline constexpr std::uint32_t redis_database_max = 65535;
inline constexpr std::size_t unix_path_bytes_max = 107;  // sun_path of unix(7), less its final zero

// redis[s]://[[user]:password@]host[:port][/database],
// redis[s]+sentinel://[[user]:password@]host[:port],.../primary_name[/database] (the credentials
// are the servers'), unix://[[user]:password@]/path[?db=database]; user, password and path may be
// percent-encoded. The error says what is wrong and repeats no part that could be secret.
[[nodiscard]] std::expected<redis_url, std::string> parse_redis_url(std::string_view text);

// redis[s]+sentinel://host:port,.../primary_name[/database], without credentials.
[[nodiscard]] std::string sentinel_redis_url(const sentinel_address& at, bool tls,
                                             std::uint32_t database);

// A primary's name as sentinel.conf may hold it and a URL can: letters, digits, '.', '-' and '_'.
[[nodiscard]] bool is_primary_name(std::string_view text);

// unix:///path, percent-encoded where needed.
[[nodiscard]] std::string unix_redis_url(std::string_view path);

// A host name or address as it may stand in a setting: no spaces, slashes, '@' or control
// characters.
[[nodiscard]] bool is_host(std::string_view text);

}  // namespace headroom::config
