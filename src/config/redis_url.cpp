// SPDX-License-Identifier: Apache-2.0
#include "config/redis_url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "config/parse.hpp"

namespace headroom::config {
namespace {

using failed = std::unexpected<std::string>;

// Empty when a '%' is not followed by two hex digits, or stands for a zero byte.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        unsigned byte = 0;
        const std::string_view digits = text.substr(i + 1, 2);
        const char* const end = digits.data() + digits.size();
        const auto [stopped, fault] = std::from_chars(digits.data(), end, byte, 16);
        if (digits.size() != 2 || fault != std::errc() || stopped != end || byte == 0) {
            return std::nullopt;
        }
        decoded += static_cast<char>(byte);
        i += 2;
    }
    return decoded;
}

struct url_parts {
    std::string_view scheme;
    std::optional<std::string_view> user_info;
    std::string_view host;  // with its port
    std::string_view path;  // with its '/'
    std::string_view query;
};

std::expected<url_parts, std::string> taken_apart(std::string_view text) {
    url_parts parts;
    if (text.find('\0') != std::string_view::npos) return failed("it holds a zero byte");
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return failed("it has no scheme");
    parts.scheme = text.substr(0, scheme_end);
    text.remove_prefix(scheme_end + 3);

    if (text.find('#') != std::string_view::npos) {
        return failed("it has a '#': inside a password write %23");
    }
    const std::size_t authority_end = std::min(text.find_first_of("/?"), text.size());
    const std::string_view authority = text.substr(0, authority_end);
    text.remove_prefix(authority_end);
    if (text.find('@') != std::string_view::npos) {
        return failed("an '@' stands after a '/' or '?': inside a password write %2F or %3F");
    }
    const std::size_t at = authority.rfind('@');
    if (at == std::string_view::npos) {
        parts.host = authority;
    } else {
        parts.user_info = authority.substr(0, at);
        parts.host = authority.substr(at + 1);
    }
    const std::size_t question = text.find('?');
    parts.path = text.substr(0, question);
    if (question != std::string_view::npos) parts.query = text.substr(question + 1);
    return parts;
}

std::expected<void, std::string> read_user_info(std::string_view text, redis_url& into) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return failed(
            "it names a user without a password; for a password alone write ':password@'");
    }
    auto user = percent_decoded(text.substr(0, colon));
    auto password = percent_decoded(text.substr(colon + 1));
    if (!user || !password) {
        return failed("user or password holds a '%' that is no percent-encoding; write %25");
    }
    into.username = std::move(*user);
    into.password = secret(std::move(*password));
    return {};
}

std::expected<void, std::string> read_database(std::string_view text, redis_url& into) {
    const number_range range{.min = 0, .max = redis_database_max};
    const auto number = parse_whole_number(text, range);
    if (!number) return failed(fmt::format("its database is not {}", describe(range)));
    into.database = static_cast<std::uint32_t>(*number);
    return {};
}

std::expected<void, std::string> read_query(std::string_view query, redis_url& into) {
    if (query.empty()) return {};
    if (!query.starts_with("db=")) return failed("of query parameters only 'db' is understood");
    return read_database(query.substr(3), into);
}

std::expected<tcp_address, std::string> read_host(std::string_view text,
                                                  std::uint16_t default_port) {
    tcp_address address{.host = {}, .port = default_port};
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return failed("its '[' has no ']'");
        address.host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (!is_ip_address(address.host)) return failed("there is no IPv6 address in its '[]'");
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        address.host = text.substr(0, colon);
        port = text.substr(colon);
    }
    if (!is_host(address.host)) return failed("it names no host");
    if (!port.empty()) {
        const number_range range{.min = 1, .max = 65535};
        const auto number = parse_whole_number(port.substr(1), range);
        if (port.front() != ':' || !number) {
            return failed(fmt::format("its port is not {}", describe(range)));
        }
        address.port = static_cast<std::uint16_t>(*number);
    }
    return address;
}

std::expected<void, std::string> read_tcp(const url_parts& parts, redis_url& into) {
    auto address = read_host(parts.host, redis_default_port);
    if (!address) return failed(address.error());
    into.address = std::move(*address);
    if (parts.path.size() > 1) {
        if (!parts.query.empty()) return failed("it names its database twice or has a query");
        return read_database(parts.path.substr(1), into);
    }
    return read_query(parts.query, into);
}

std::expected<void, std::string> read_sentinels(const url_parts& parts, redis_url& into) {
    sentinel_address at;
    for (std::string_view left = parts.host;;) {
        const std::size_t comma = std::min(left.find(','), left.size());
        auto one = read_host(left.substr(0, comma), sentinel_default_port);
        if (!one)
            return failed(
                fmt::format("of its sentinel {}: {}", at.sentinels.size() + 1, one.error()));
        at.sentinels.push_back(std::move(*one));
        if (at.sentinels.size() > sentinels_max) {
            return failed(fmt::format("it names more than {} sentinels", sentinels_max));
        }
        if (comma == left.size()) break;
        left.remove_prefix(comma + 1);
    }
    const std::string_view path = parts.path.empty() ? parts.path : parts.path.substr(1);
    const std::size_t slash = std::min(path.find('/'), path.size());
    at.primary_name = path.substr(0, slash);
    if (!is_primary_name(at.primary_name)) {
        return failed(
            fmt::format("behind the sentinels it names no primary: '/' and 1 to {} of "
                        "letters, digits, '.', '-' and '_'",
                        primary_name_bytes_max));
    }
    into.address = std::move(at);
    if (slash == path.size()) return read_query(parts.query, into);
    if (!parts.query.empty()) return failed("it names its database twice or has a query");
    return read_database(path.substr(slash + 1), into);
}

std::expected<void, std::string> read_unix(const url_parts& parts, redis_url& into) {
    if (!parts.host.empty() || parts.path.size() < 2) {
        return failed("a socket needs an absolute path: unix:///run/redis.sock");
    }
    auto path = percent_decoded(parts.path);
    if (!path) return failed("its path holds a '%' that is no percent-encoding; write %25");
    if (path->size() > unix_path_bytes_max) {
        return failed(fmt::format("its path has {} bytes, a socket's has at most {}", path->size(),
                                  unix_path_bytes_max));
    }
    into.address = unix_address{std::move(*path)};
    return read_query(parts.query, into);
}

}  // namespace

bool is_primary_name(std::string_view text) {
    return !text.empty() && text.size() <= primary_name_bytes_max &&
           std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
           });
}

bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
        return c > ' ' && c <= '~' &&
               std::string_view("/@?#[]\\\"'<>").find(c) == std::string_view::npos;
    });
}

std::expected<redis_url, std::string> parse_redis_url(std::string_view text) {
    const auto parts = taken_apart(text);
    if (!parts) return failed(parts.error());

    redis_url url;
    if (parts->user_info) {
        if (auto done = read_user_info(*parts->user_info, url); !done) return failed(done.error());
    }
    std::expected<void, std::string> done;
    if (parts->scheme == "redis" || parts->scheme == "rediss") {
        url.tls = parts->scheme == "rediss";
        done = read_tcp(*parts, url);
    } else if (parts->scheme == "redis+sentinel" || parts->scheme == "rediss+sentinel") {
        url.tls = parts->scheme.starts_with("rediss");
        done = read_sentinels(*parts, url);
    } else if (parts->scheme == "unix") {
        done = read_unix(*parts, url);
    } else {
        done = failed("its scheme is none of redis, rediss, redis+sentinel, rediss+sentinel, unix");
    }
    if (!done) return failed(done.error());
    return url;
}

std::string sentinel_redis_url(const sentinel_address& at, bool tls, std::uint32_t database) {
    std::string url = tls ? "rediss+sentinel://" : "redis+sentinel://";
    std::string_view separator;
    for (const tcp_address& one : at.sentinels) {
        const bool is_ipv6 = one.host.find(':') != std::string::npos;
        url += fmt::format("{}{}{}{}:{}", separator, is_ipv6 ? "[" : "", one.host,
                           is_ipv6 ? "]" : "", one.port);
        separator = ",";
    }
    url += "/" + at.primary_name;
    if (database != 0) url += fmt::format("/{}", database);
    return url;
}

std::string unix_redis_url(std::string_view path) {
    std::string url = "unix://";
    for (const char c : path) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') ||
                              std::string_view("/-._~").find(c) != std::string_view::npos;
        if (is_plain) {
            url += c;
        } else {
            url += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return url;
}

}  // namespace headroom::config
