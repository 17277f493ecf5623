// SPDX-License-Identifier: Apache-2.0
// The one Postgres pool of a process: leases with statements and transactions. libpq stays behind
// libpq_connection. Everything runs on the executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/client_name.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "pool/async_pool.hpp"
#include "pool/call.hpp"
#include "postgres/postgres_error.hpp"
#include "postgres/rows.hpp"

namespace headroom::postgres {

using pool::call;

struct postgres_pool_options {
    // libpq keywords and values (host, port, dbname, user, password, sslmode, ...);
    // application_name is ours.
    std::vector<std::pair<std::string, std::string>> connection;
    process_identity identity;
    pool::limits bounds;
    clock::duration connect_timeout = std::chrono::seconds(5);
    std::vector<std::string> session_settings;  // "SET ..." run once on each new connection
};

class transaction;

// Sole use of one connection for as long as it lives. A caller never holds two at once. Given back
// reusable only when the session is idle with nothing pending and no transaction open; closed
// otherwise.
class postgres_lease {
public:
    postgres_lease(postgres_lease&&) noexcept = default;
    postgres_lease& operator=(postgres_lease&&) noexcept = default;

    // One statement with parameters (extended protocol).
    [[nodiscard]] boost::asio::awaitable<result<rows>> query(std::string sql, parameters with,
                                                             deadline by);
    // Statements separated by ';' without parameters, for schema work. The last result is dropped.
    [[nodiscard]] boost::asio::awaitable<result<void>> script(std::string sql, deadline by);
    // BEGIN. The lease must outlive the transaction.
    [[nodiscard]] boost::asio::awaitable<result<transaction>> begin(deadline by);

private:
    friend class postgres_pool;
    friend class transaction;
    explicit postgres_lease(pool::lease held) : held_(std::move(held)) {}
    // After an exchange: whether the connection may go to the next caller.
    void settle();
    pool::lease held_;
};

// An open transaction on a lease. Without commit() the lease is not reusable afterwards: its
// connection is closed, and the server rolls back.
class transaction {
public:
    [[nodiscard]] boost::asio::awaitable<result<rows>> query(std::string sql, parameters with,
                                                             deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> commit(deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> rollback(deadline by);

private:
    friend class postgres_lease;
    explicit transaction(postgres_lease& on) : on_(&on) {}
    postgres_lease* on_;
};

// One step of the schema. Applied once, in order of `version`, each in its own transaction.
struct migration {
    int version = 0;
    std::string name;
    std::string sql;
};

class postgres_pool {
public:
    // Opens nothing before the first acquire, unless the floor asks for it. close() is the way to
    // its end.
    postgres_pool(boost::asio::any_io_executor executor, postgres_pool_options options);
    ~postgres_pool();
    postgres_pool(const postgres_pool&) = delete;
    postgres_pool& operator=(const postgres_pool&) = delete;

    [[nodiscard]] pool::owner_id owner(std::string_view name);
    [[nodiscard]] boost::asio::awaitable<result<postgres_lease>> acquire(call how);
    // acquire, one statement, give back.
    [[nodiscard]] boost::asio::awaitable<result<rows>> query(std::string sql, parameters with,
                                                             call how);

    // Brings the schema up to date under an advisory lock, so that workers starting together apply
    // each step once. A schema newer than the last migration known here is an error that says so.
    [[nodiscard]] boost::asio::awaitable<result<void>> migrate(std::vector<migration> steps,
                                                               call how);

    [[nodiscard]] boost::asio::awaitable<result<void>> close(deadline by);

    [[nodiscard]] const pool::pool_stats& stats() const;
    [[nodiscard]] const std::vector<pool::owner_usage>& owners() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace headroom::postgres
