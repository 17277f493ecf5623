// SPDX-License-Identifier: Apache-2.0
// Any text as REDIS_URL: an accepted one, written again from its parts, is read as the same; a
// refusal never repeats the password.
//
// Input: the text.
#include "config/redis_url.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <variant>

#include "fuzz/fuzz_input.hpp"

namespace headroom::fuzz {

namespace {

using config::parse_redis_url;
using config::redis_url;

// Also in the dictionary. In none of our own sentences.
constexpr std::string_view password = "hunter2-Sekrit-42";

std::string all_percent(std::string_view text) {
    std::string encoded;
    for (const char c : text)
        encoded += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    return encoded;
}

std::string user_of(const redis_url& url) {
    if (url.username.empty() && url.password.empty()) return {};
    return all_percent(url.username) + ":" + all_percent(url.password.reveal()) + "@";
}

bool is_plain(const redis_url& url) {
    constexpr std::string_view special = "%/?#";
    return url.username.find_first_of(special) == std::string::npos &&
           !url.username.contains(':') &&
           url.password.reveal().find_first_of(special) == std::string::npos;
}

// As people write them: the password may hold an '@' or a ':'.
std::string plain_user_of(const redis_url& url) {
    if (url.username.empty() && url.password.empty()) return {};
    return url.username + ":" + url.password.reveal() + "@";
}

std::string written(const redis_url& url, const std::string& user) {
    if (const auto* file = std::get_if<config::unix_address>(&url.address)) {
        // The path with its slashes, the rest escaped, by the writer of the settings.
        const auto plain = config::unix_redis_url(file->path);
        const std::string_view scheme = "unix://";
        HEADROOM_ASSERT(plain.starts_with(scheme), "a socket's URL begins so");
        return std::string(scheme) + user + plain.substr(scheme.size()) +
               fmt::format("?db={}", url.database);
    }
    if (const auto* watched = std::get_if<config::sentinel_address>(&url.address)) {
        auto plain = config::sentinel_redis_url(*watched, url.tls, url.database);
        return plain.insert(plain.find("://") + 3, user);
    }
    const auto& tcp = std::get<config::tcp_address>(url.address);
    const bool is_ipv6 = tcp.host.contains(':');
    return fmt::format("redis{}://{}{}{}{}:{}/{}", url.tls ? "s" : "", user, is_ipv6 ? "[" : "",
                       tcp.host, is_ipv6 ? "]" : "", tcp.port, url.database);
}

void check_parts(const redis_url& url) {
    HEADROOM_ASSERT(url.database <= config::redis_database_max, "a database within its bound");
    if (const auto* tcp = std::get_if<config::tcp_address>(&url.address)) {
        HEADROOM_ASSERT(config::is_host(tcp->host) && tcp->port > 0, "a host and its port");
    }
    if (const auto* file = std::get_if<config::unix_address>(&url.address)) {
        HEADROOM_ASSERT(file->path.starts_with('/') &&
                            file->path.size() <= config::unix_path_bytes_max &&
                            !file->path.contains('\0'),
                        "a path that a socket can have");
    }
    if (const auto* watched = std::get_if<config::sentinel_address>(&url.address)) {
        HEADROOM_ASSERT(config::is_primary_name(watched->primary_name), "a primary has a name");
        HEADROOM_ASSERT(!watched->sentinels.empty(), "somebody to ask");
        for (const auto& each : watched->sentinels)
            HEADROOM_ASSERT(config::is_host(each.host) && each.port > 0, "each has its address");
    }
    HEADROOM_ASSERT(!url.username.contains('\0') && !url.password.reveal().contains('\0'),
                    "no zero byte comes in escaped");
}

void run(std::string_view text) {
    const exact_copy copy(text);
    const auto url = parse_redis_url(copy.view());
    if (!url) {
        HEADROOM_ASSERT(!url.error().empty(), "a refusal says why");
        HEADROOM_ASSERT(!url.error().contains(password), "an error repeats no password");
        return;
    }
    check_parts(*url);
    const auto again = parse_redis_url(written(*url, user_of(*url)));
    HEADROOM_ASSERT(again.has_value() && *again == *url, "what is written is what was read");
    if (!is_plain(*url)) return;
    const auto plain = parse_redis_url(written(*url, plain_user_of(*url)));
    HEADROOM_ASSERT(plain.has_value() && *plain == *url, "also without escapes");
}

}  // namespace

}  // namespace headroom::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    headroom::fuzz::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
