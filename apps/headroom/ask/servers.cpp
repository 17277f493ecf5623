// SPDX-License-Identifier: Apache-2.0
#include "headroom/ask/servers.hpp"

#include <algorithm>
#include <array>
#include <system_error>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/redis_url.hpp"
#include "config/run_record.hpp"
#include "headroom/ask/password.hpp"
#include "postgres/conninfo.hpp"

namespace headroom::tool {
namespace {

constexpr std::size_t address_bytes_max = 1000;
constexpr std::array<const char*, 2> run_files{".headroom/run.json", "/var/lib/headroom/run.json"};

redis::endpoint endpoint_of(const config::redis_settings& from) {
    redis::endpoint to;
    if (const auto* tcp = std::get_if<config::tcp_address>(&from.address)) {
        to.host = tcp->host;
        to.port = tcp->port;
    } else if (const auto* at = std::get_if<config::sentinel_address>(&from.address)) {
        auto& sentinel = to.sentinel.emplace();
        sentinel.primary_name = at->primary_name;
        sentinel.username = from.sentinel_username;
        sentinel.password = from.sentinel_password.reveal();
        for (const auto& one : at->sentinels)
            sentinel.sentinels.push_back({one.host, one.port});
    } else {
        to.unix_path = std::get<config::unix_address>(from.address).path;
    }
    to.username = from.username;
    to.password = from.password.reveal();
    to.database = from.database;
    if (from.tls) {
        to.tls = redis::tls_options{.verifies_peer = from.tls->verifies_peer,
                                    .ca_file = from.tls->ca_file,
                                    .certificate_file = from.tls->certificate_file,
                                    .key_file = from.tls->key_file,
                                    .server_name = from.tls->server_name};
    }
    return to;
}

redis_place place_of(const config::redis_settings& from, std::string source) {
    return {.where = endpoint_of(from), .from = std::move(source)};
}

postgres_place place_of(const config::postgres_settings& from, std::string source) {
    postgres_place place{.connection = {}, .from = std::move(source)};
    for (const auto& one : from.parameters)
        place.connection.emplace_back(one.keyword, one.value);
    if (!from.password.empty()) place.connection.emplace_back("password", from.password.reveal());
    return place;
}

// Behind a flag's name; what has no scheme may be a misplaced password.
std::string shown_url(const std::string& url) {
    return url.find("://") != std::string::npos ? " " + mask_url(url) : std::string();
}

// What belongs to a URL is in the environment: REDIS_TLS_CA_FILE, REDIS_SENTINEL_PASSWORD and their
// like.
std::expected<redis_place, std::string> place_of_flag(const std::string& text,
                                                      const config::sources& from) {
    const auto url = config::parse_redis_url(text);
    if (!url) return std::unexpected(fmt::format("--redis{}: {}", shown_url(text), url.error()));
    auto few = from;
    const bool by_sentinel = std::holds_alternative<config::sentinel_address>(url->address);
    std::erase_if(few.variables, [&url, by_sentinel](const auto& one) {
        const bool belongs = (url->tls && one.first.starts_with("REDIS_TLS_")) ||
                             (by_sentinel && one.first.starts_with("REDIS_SENTINEL_"));
        return !belongs;
    });
    few.variables["REDIS_URL"] = text;
    const auto settings = config::load(few);
    if (!settings) {
        return std::unexpected("--redis" + shown_url(text) + " cannot be asked:\n" +
                               config::describe_faults(settings.error()));
    }
    return place_of(settings->redis, "--redis");
}

std::expected<servers, std::string> from_flags(const query_options& flags,
                                               const config::sources& from) {
    servers found;
    if (!flags.redis.empty()) {
        auto place = place_of_flag(flags.redis, from);
        if (!place) return std::unexpected(std::move(place.error()));
        found.redis = std::move(*place);
    }
    if (!flags.postgres.empty()) {
        auto parsed = postgres::parse_conninfo(flags.postgres);
        if (!parsed) return std::unexpected("--postgres: " + parsed.error().detail);
        found.postgres = {.connection = std::move(*parsed), .from = "--postgres"};
    }
    if (!flags.admin.empty()) {
        if (!flags.admin.starts_with("http://")) {
            return std::unexpected(
                fmt::format("--admin{}: http://host:port is expected", shown_url(flags.admin)));
        }
        found.admin_url = flags.admin.substr(0, flags.admin.find_last_not_of('/') + 1);
        found.admin_from = "--admin";
    }
    return found;
}

bool has_any(const config::environment& in, std::initializer_list<const char*> names) {
    return std::ranges::any_of(names, [&](const char* name) {
        const auto found = in.find(name);
        return found != in.end() && !found->second.empty();
    });
}

// What tells where servers are, and nothing else: a fault in a pool's size is no reason not to look
// at the limits.
config::sources addresses_only(const config::sources& from) {
    config::sources few = from;
    std::erase_if(few.variables, [](const auto& one) {
        const std::string_view name = one.first;
        const bool is_address = name.starts_with("PG")
                                    ? !name.starts_with("PGPOOL_")
                                    : name.starts_with("POSTGRES_") || name.starts_with("REDIS_");
        return !is_address || name == "REDIS_MAX_CONNECTIONS" || name == "REDIS_CLIENT_NAME" ||
               name.starts_with("REDIS_HEALTHCHECK_");
    });
    return few;
}

// Empty: there is none.
std::expected<std::optional<config::run_record>, std::string> read_run_file(
    const char* path, const config::sources& from) {
    const auto text = from.read_file(path);
    if (!text) {
        const auto& why = text.error();
        if (why.code == std::errc::no_such_file_or_directory ||
            why.code == std::errc::not_a_directory)
            return std::nullopt;
        return std::unexpected(fmt::format(
            "{}, where a chatd says where its servers are, cannot be read: {}: ask as the user of "
            "that chatd, or name the servers: --redis and --postgres",
            path, why.detail.empty() ? why.code.message() : why.detail));
    }
    auto record = config::parse_run_record(*text);
    if (record) return record;
    return std::unexpected(fmt::format(
        "{} is there, but no chatd wrote it so: remove it, or name the servers: --redis and "
        "--postgres",
        path));
}

// The error is of a file that may know what is missing.
std::expected<void, std::string> fill_from_run_file(servers& to, const config::sources& from) {
    for (const char* path : run_files) {
        const auto record = read_run_file(path, from);
        if (!record) return std::unexpected(record.error());
        if (!*record) continue;
        const auto& redis = (*record)->redis;
        if (!to.redis && redis && !redis->socket.empty()) {
            redis_place place{.where = {}, .from = path};
            place.where.unix_path = redis->socket;
            to.redis = std::move(place);
        }
        const auto& postgres = (*record)->postgres;
        if (!to.postgres && postgres && !postgres->socket.empty()) {
            to.postgres = {.connection = {{"host", postgres->socket},
                                          {"dbname", postgres->database},
                                          {"user", postgres->user}},
                           .from = path};
        }
        if (!to.admin_url && !(*record)->admin_url.empty()) {
            to.admin_url = (*record)->admin_url;
            to.admin_from = path;
        }
        return {};
    }
    return {};
}

std::expected<servers, std::string> from_environment(const config::sources& from) {
    servers found;
    const auto settings = config::load(addresses_only(from));
    if (!settings) {
        return std::unexpected("the environment does not tell where the servers are:\n" +
                               config::describe_faults(settings.error()));
    }
    if (!settings->redis.embedded) {
        const bool has_url = has_any(from.variables, {"REDIS_URL"});
        found.redis = place_of(settings->redis, has_url ? "REDIS_URL" : "REDIS_HOST");
    }
    if (!settings->postgres.embedded) {
        const bool is_libpq = has_any(from.variables, {"PGHOST"});
        found.postgres = place_of(settings->postgres, is_libpq ? "PGHOST" : "POSTGRES_HOST");
    }
    if (const auto port = from.variables.find("CHAT_ADMIN_PORT");
        port != from.variables.end() && !port->second.empty() && port->second != "0") {
        found.admin_url = "http://127.0.0.1:" + port->second;
        found.admin_from = "CHAT_ADMIN_PORT";
    }
    return found;
}

void ask_passwords(servers& of) {
    if (of.redis && of.redis->where.password.empty()) {
        of.redis->where.password = read_password("Password for Redis at " + of.redis->shown());
    }
    if (of.postgres) {
        auto& connection = of.postgres->connection;
        const bool has_one = std::ranges::any_of(
            connection, [](const auto& one) { return one.first == "password"; });
        if (!has_one) {
            connection.emplace_back(
                "password", read_password("Password for Postgres at " + of.postgres->shown()));
        }
    }
}

}  // namespace

std::string redis_place::shown() const {
    return printable_excerpt(redis::to_string(where), address_bytes_max);
}

std::string servers::shown_chatd() const {
    return "chatd at " + printable_excerpt(mask_url(admin_url.value_or("")), address_bytes_max);
}

std::string postgres_place::shown() const {
    std::string host;
    std::string port;
    for (const auto& [keyword, value] : connection) {
        if (keyword == "host" || (keyword == "hostaddr" && host.empty())) host = value;
        if (keyword == "port") port = value;
    }
    if (host.empty()) return "the default socket";
    return printable_excerpt(port.empty() ? host : host + ":" + port, address_bytes_max);
}

bool postgres_place::is_local_socket() const {
    for (const auto& [keyword, value] : connection) {
        if (keyword == "hostaddr" && !value.empty()) return false;
        if (keyword == "host") return value.empty() || value.starts_with('/');
    }
    return true;
}

std::expected<servers, std::string> find_servers(const query_options& flags,
                                                 const config::sources& from) {
    const bool has_flags = !flags.redis.empty() || !flags.postgres.empty() || !flags.admin.empty();
    auto found = has_flags ? from_flags(flags, from) : from_environment(from);
    if (!found) return found;
    if (!has_flags && !(found->redis && found->postgres)) {
        const auto filled = fill_from_run_file(*found, from);
        if (!filled && !found->redis && !found->postgres) return std::unexpected(filled.error());
    }
    if (flags.ask_password) ask_passwords(*found);
    return found;
}

std::expected<servers, std::string> find_some_server(const query_options& flags,
                                                     const config::sources& from) {
    auto found = find_servers(flags, from);
    if (found && !found->redis && !found->postgres) return std::unexpected(no_servers_sentence());
    return found;
}

std::string no_servers_sentence() {
    return fmt::format(
        "no server is named: give --redis and --postgres, or set REDIS_URL and PGHOST, "
        "or run it in the working folder of a chatd that brought its own ({} and {} are not there)",
        run_files[0], run_files[1]);
}

}  // namespace headroom::tool
