// SPDX-License-Identifier: Apache-2.0
// The Redis rows of the table: where the server is, and how many connections a pool may have.
#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "config/limits.hpp"
#include "config/reading.hpp"
#include "config/redis_url.hpp"
#include "config/variable_readers.hpp"

namespace headroom::config {
namespace {

constexpr std::array<std::string_view, 4> companions{"REDIS_PORT", "REDIS_USERNAME",
                                                     "REDIS_PASSWORD", "REDIS_DB"};

// How the sentinels themselves are entered; the URL's user and password are the servers'.
void read_sentinel_entry(reading& run) {
    redis_settings& redis = run.to.out.redis;
    redis.sentinel_username = run.text("REDIS_SENTINEL_USERNAME").value_or("");
    redis.sentinel_password = secret(std::string(run.text("REDIS_SENTINEL_PASSWORD").value_or("")));
    if (!redis.sentinel_username.empty() && redis.sentinel_password.empty()) {
        run.note_fault("REDIS_SENTINEL_PASSWORD",
                       "a password, because REDIS_SENTINEL_USERNAME names a user",
                       "set REDIS_SENTINEL_PASSWORD, or unset REDIS_SENTINEL_USERNAME for the "
                       "default user");
    }
}

void warn_of_lone_sentinel_entry(reading& run) {
    for (const std::string_view name : {"REDIS_SENTINEL_USERNAME", "REDIS_SENTINEL_PASSWORD"}) {
        if (run.is_set(name)) {
            run.warn(fmt::format("{} has no effect, because REDIS_URL names no sentinels", name));
        }
    }
}

void read_url(reading& run, std::string_view text) {
    auto url = parse_redis_url(text);
    if (!url) {
        run.note_fault("REDIS_URL",
                       fmt::format("redis://[user:password@]host[:port][/database], rediss://, "
                                   "redis+sentinel://host,host/primary or unix:///path, but {}",
                                   url.error()),
                       "percent-encode what is special inside user and password");
        return;
    }
    if (run.is_set("REDIS_HOST")) {
        run.warn("REDIS_HOST and its companions are ignored, because REDIS_URL is set");
    }
    redis_settings& redis = run.to.out.redis;
    redis.embedded = false;
    redis.address = std::move(url->address);
    if (url->tls) redis.tls.emplace();
    redis.username = std::move(url->username);
    redis.password = std::move(url->password);
    redis.database = url->database;
    if (std::holds_alternative<sentinel_address>(redis.address)) return read_sentinel_entry(run);
    warn_of_lone_sentinel_entry(run);
}

void read_host(reading& run, std::string_view host) {
    redis_settings& redis = run.to.out.redis;
    redis.embedded = false;
    tcp_address address{.host = std::string(host), .port = redis_default_port};
    if (!is_host(host)) {
        run.note_fault("REDIS_HOST", "a host's name or address",
                       "for a socket or a whole URL use REDIS_URL");
    }
    if (const auto port = run.whole_number("REDIS_PORT", {.min = 1, .max = 65535})) {
        address.port = static_cast<std::uint16_t>(*port);
    }
    if (const auto number = run.whole_number("REDIS_DB", {.min = 0, .max = redis_database_max})) {
        redis.database = static_cast<std::uint32_t>(*number);
    }
    redis.username = run.text("REDIS_USERNAME").value_or("");
    redis.password = secret(std::string(run.text("REDIS_PASSWORD").value_or("")));
    if (!redis.username.empty() && redis.password.empty()) {
        run.note_fault("REDIS_PASSWORD", "a password, because REDIS_USERNAME names a user",
                       "set REDIS_PASSWORD, or unset REDIS_USERNAME for the default user");
    }
    redis.address = std::move(address);
}

// What the service cannot do without: the lanes each pool must hold at once.
struct need_term {
    std::string_view pool;
    connection_count least;
    std::string_view why;
};

constexpr std::array<need_term, 3> needs{{
    {"async", connection_count(2), "one for commands, one for the subscriber"},
    {"async_decode", connection_count(1), "one for commands"},
    {"sync", connection_count(1), "one for a thread"},
}};

std::string needs_text() {
    std::string text;
    for (const need_term& one : needs) {
        if (!text.empty()) text += ", ";
        text += fmt::format("{} {} ({})", one.pool, one.least.value(), one.why);
    }
    return text;
}

}  // namespace

connection_count redis_connections_needed() {
    connection_count most{0};
    for (const need_term& one : needs)
        most = std::max(most, one.least);
    return most;
}

void read_redis_address(reading& run) {
    if (const auto url = run.text("REDIS_URL")) return read_url(run, *url);
    warn_of_lone_sentinel_entry(run);
    if (const auto host = run.text("REDIS_HOST")) return read_host(run, *host);
    for (const std::string_view name : companions) {
        if (run.is_set(name)) {
            run.warn(
                fmt::format("{} has no effect, because neither REDIS_URL nor REDIS_HOST names "
                            "a server: the embedded one is used",
                            name));
        }
    }
}

void read_redis_connections(reading& run) {
    constexpr std::string_view variable = "REDIS_MAX_CONNECTIONS";
    auto& most = run.to.out.redis.connections_max;
    if (const auto number = run.whole_number(variable, redis_connections_range)) {
        most = connection_count(*number);
    }
    if (run.has_fault(variable)) return;
    const connection_count least = redis_connections_needed();
    if (!most) {
        run.warn(fmt::format(
            "REDIS_MAX_CONNECTIONS is unset: Redis pools are UNBOUNDED and grow with load, up to "
            "what the "
            "server accepts. Set it to at least {}; a process then opens at most 3 times as many",
            least.value()));
        return;
    }
    if (*most >= least) return;
    const auto key = run.from_document.find(variable);
    const bool is_from_document = !run.is_set(variable) && key != run.from_document.end();
    run.note_fault({.name = is_from_document ? key->second.path : std::string(variable),
                    .found = fmt::format("{}", most->value()),
                    .expected = fmt::format("at least {}, because the pools need: {}",
                                            least.value(), needs_text()),
                    .advice = fmt::format("raise it to {} or more", least.value())});
}

}  // namespace headroom::config
