// SPDX-License-Identifier: Apache-2.0
#include "chat/worker/resolvers.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace headroom::chat {

namespace asio = boost::asio;

namespace {

std::optional<std::uint32_t> to_cap(std::optional<connection_count> most) {
    if (!most) return std::nullopt;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(most->value(), UINT32_MAX));
}

// Workers that start together must not dial and retire in step.
std::uint64_t jitter_seed() {
    return static_cast<std::uint64_t>(::getpid()) * 0x9E3779B97F4A7C15U;
}

redis::client_options options_of(const config::settings& from, std::string_view kind,
                                 std::shared_ptr<redis::primary_locator> locator) {
    redis::client_options options;
    options.server = endpoint_of(from.redis);
    options.locator = std::move(locator);
    options.identity = identity_of(from);
    options.kind = std::string(kind);
    options.bounds.cap = to_cap(from.redis.connections_max);
    options.bounds.seed = jitter_seed();
    // People wait while Redis is away: look for it every second or two, three pools a worker.
    options.bounds.backoff_max = std::chrono::seconds(2);
    return options;
}

void log_close(const log& out, std::string_view kind, const result<void>& closed) {
    if (!closed)
        out.warning("a Redis pool did not close in time",
                    {{"kind", kind}, {"reason", closed.error().what()}});
}

}  // namespace

process_identity identity_of(const config::settings& from) {
    return {.prefix = from.name_prefix, .instance = from.instance, .pid = ::getpid()};
}

redis::endpoint endpoint_of(const config::redis_settings& from) {
    redis::endpoint to;
    if (const auto* tcp = std::get_if<config::tcp_address>(&from.address)) {
        to.host = tcp->host;
        to.port = tcp->port;
    } else if (const auto* at = std::get_if<config::sentinel_address>(&from.address)) {
        to.sentinel = redis::sentinel_options{.sentinels = {},
                                              .primary_name = at->primary_name,
                                              .username = from.sentinel_username,
                                              .password = from.sentinel_password.reveal()};
        for (const auto& one : at->sentinels)
            to.sentinel->sentinels.push_back({one.host, one.port});
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

redis_clients get_redis_clients(asio::any_io_executor executor, const config::settings& from) {
    // One for the three pools: at most one connection to a sentinel in a process.
    std::shared_ptr<redis::sentinel_locator> locator;
    if (const auto where = endpoint_of(from.redis); where.sentinel) {
        locator = std::make_shared<redis::sentinel_locator>(
            executor, redis::sentinel_locator_options{.where = *where.sentinel,
                                                      .tls = where.tls,
                                                      .identity = identity_of(from),
                                                      .seed = jitter_seed()});
    }
    auto async = options_of(from, pool_kind::async, locator);
    async.has_subscriber = true;
    auto async_decode = options_of(from, pool_kind::async_decode, locator);
    async_decode.form = redis::reply_form::text;
    return {.locator = locator,
            .async = std::make_unique<redis::client>(executor, std::move(async)),
            .async_decode = std::make_unique<redis::client>(executor, std::move(async_decode)),
            .sync = std::make_unique<redis::blocking_client>(
                options_of(from, pool_kind::sync, locator))};
}

std::unique_ptr<postgres::postgres_pool> get_pg_pool(asio::any_io_executor executor,
                                                     const config::settings& from) {
    postgres::postgres_pool_options options;
    for (const auto& each : from.postgres.parameters)
        options.connection.emplace_back(each.keyword, each.value);
    if (!from.postgres.password.empty())
        options.connection.emplace_back("password", from.postgres.password.reveal());
    options.identity = identity_of(from);
    options.bounds.cap = to_cap(from.postgres.pool_max);
    options.bounds.floor = to_cap(from.postgres.pool_min).value_or(0);
    options.bounds.seed = jitter_seed();
    return std::make_unique<postgres::postgres_pool>(std::move(executor), std::move(options));
}

asio::awaitable<void> close_redis_clients(app_state& of, log out, deadline by) {
    const auto async = co_await of.redis_async->close(by);
    log_close(out, pool_kind::async, async);
    const auto async_decode = co_await of.redis_async_decode->close(by);
    log_close(out, pool_kind::async_decode, async_decode);
    // Before the pool of threads, whose dials wait for this loop's word.
    if (of.redis_locator) co_await of.redis_locator->stop(by);
    const auto sync = of.redis_sync->close(by);  // no thread uses it any more: it does not wait
    log_close(out, pool_kind::sync, sync);
}

}  // namespace headroom::chat
