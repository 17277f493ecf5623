// SPDX-License-Identifier: Apache-2.0
#include "postgres/postgres_pool.hpp"

#include <utility>

#include "postgres/connector.hpp"
#include "postgres/libpq_connection.hpp"
#include "postgres/migrate.hpp"

namespace headroom::postgres {

namespace asio = boost::asio;

namespace {

result<void> without_rows(result<rows> outcome) {
    if (!outcome) return std::unexpected(std::move(outcome.error()));
    return {};
}

pool::async_pool_options pool_options(const postgres_pool_options& given) {
    return {.kind = std::string(pool_kind::pg),
            .bounds = given.bounds,
            .open_timeout = given.connect_timeout};
}

}  // namespace

struct postgres_pool::state {
    state(const asio::any_io_executor& executor, postgres_pool_options given)
        : opener(std::move(given.connection), format_client_name(given.identity, pool_kind::pg),
                 std::move(given.session_settings)),
          connections(executor, pool_options(given), opener) {}

    connector opener;
    pool::async_pool connections;
};

// --- A lease ---

void postgres_lease::settle() {
    if (held_.as<libpq_connection>().is_clean()) held_.mark_reusable();
}

asio::awaitable<result<rows>> postgres_lease::query(std::string sql, parameters with, deadline by) {
    held_.mark_in_use();
    auto outcome = co_await held_.as<libpq_connection>().query(std::move(sql), std::move(with), by);
    settle();
    co_return outcome;
}

asio::awaitable<result<void>> postgres_lease::script(std::string sql, deadline by) {
    held_.mark_in_use();
    auto outcome = co_await held_.as<libpq_connection>().script(std::move(sql), by);
    settle();
    co_return without_rows(std::move(outcome));
}

asio::awaitable<result<transaction>> postgres_lease::begin(deadline by) {
    if (held_.as<libpq_connection>().is_in_transaction()) {
        co_return failure(postgres_errc::not_sent,
                          "BEGIN: a transaction is open on this connection");
    }
    auto begun = co_await query("BEGIN", {}, by);
    if (!begun) co_return std::unexpected(std::move(begun.error()));
    co_return transaction(*this);
}

// --- A transaction ---

asio::awaitable<result<rows>> transaction::query(std::string sql, parameters with, deadline by) {
    return on_->query(std::move(sql), std::move(with), by);
}

asio::awaitable<result<void>> transaction::commit(deadline by) {
    auto done = co_await on_->query("COMMIT", {}, by);
    if (!done) co_return std::unexpected(std::move(done.error()));
    // The server answers COMMIT of a failed transaction with ROLLBACK, not with an error.
    if (on_->held_.as<libpq_connection>().command_tag() != "COMMIT") {
        co_return failure(postgres_errc::server_error,
                          "a statement of the transaction had failed: it was rolled back");
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> transaction::rollback(deadline by) {
    co_return without_rows(co_await on_->query("ROLLBACK", {}, by));
}

// --- The pool ---

postgres_pool::postgres_pool(asio::any_io_executor executor, postgres_pool_options options)
    : state_(std::make_unique<state>(executor, std::move(options))) {}

postgres_pool::~postgres_pool() = default;

pool::owner_id postgres_pool::owner(std::string_view name) {
    return state_->connections.owner(name);
}

asio::awaitable<result<postgres_lease>> postgres_pool::acquire(call how) {
    auto held = co_await state_->connections.acquire(how.owner, how.by);
    if (!held) {
        if (held.error().code == pool::pool_errc::closed) {
            co_return failure(postgres_errc::closed, std::move(held.error().detail));
        }
        co_return std::unexpected(std::move(held.error()));
    }
    postgres_lease granted(std::move(*held));
    granted.settle();  // nothing was done with it yet
    co_return granted;
}

asio::awaitable<result<rows>> postgres_pool::query(std::string sql, parameters with, call how) {
    auto held = co_await acquire(how);
    if (!held) co_return std::unexpected(std::move(held.error()));
    co_return co_await held->query(std::move(sql), std::move(with), how.by);
}

asio::awaitable<result<void>> postgres_pool::migrate(std::vector<migration> steps, call how) {
    auto held = co_await acquire(how);
    if (!held) co_return std::unexpected(std::move(held.error()));
    co_return co_await migrate_locked(*held, std::move(steps), how.by);
}

asio::awaitable<result<void>> postgres_pool::close(deadline by) {
    return state_->connections.drain(by);
}

const pool::pool_stats& postgres_pool::stats() const {
    return state_->connections.stats();
}

const std::vector<pool::owner_usage>& postgres_pool::owners() const {
    return state_->connections.owners();
}

}  // namespace headroom::postgres
