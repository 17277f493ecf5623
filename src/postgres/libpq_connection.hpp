// SPDX-License-Identifier: Apache-2.0
// One session on a Postgres server, through libpq without blocking. Included by .cpp files only;
// libpq_connection.cpp alone sees libpq-fe.h. Does not know pools of leases or retries.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "pool/connection.hpp"
#include "postgres/postgres_error.hpp"
#include "postgres/rows.hpp"

struct pg_conn;    // libpq's PGconn
struct pg_result;  // libpq's PGresult

namespace headroom::postgres {

// libpq keywords and their values.
using connection_options = std::vector<std::pair<std::string, std::string>>;

class libpq_connection final : public pool::connection {
public:
    // Connected and ready for queries. The options are complete: nothing is resolved or added here.
    [[nodiscard]] static boost::asio::awaitable<result<std::unique_ptr<libpq_connection>>> connect(
        connection_options options, deadline by);
    ~libpq_connection() override;

    [[nodiscard]] bool is_alive() noexcept override;
    void abort() noexcept override;
    [[nodiscard]] int close() noexcept override;

    // One statement with parameters (extended protocol).
    [[nodiscard]] boost::asio::awaitable<result<rows>> query(std::string sql, parameters with,
                                                             deadline by);
    // Any number of statements (simple protocol); the rows of the last one.
    [[nodiscard]] boost::asio::awaitable<result<rows>> script(std::string sql, deadline by);

    // Idle, outside a transaction, nothing pending, no session state left behind: fit for the next
    // caller.
    [[nodiscard]] bool is_clean() const;
    // A transaction is open and has not failed.
    [[nodiscard]] bool is_in_transaction() const;
    // Of the last statement that succeeded: "INSERT 0 1", "COMMIT".
    [[nodiscard]] const std::string& command_tag() const { return command_tag_; }
    [[nodiscard]] int server_version() const;  // 150020
    // What was done so far belongs to every user of the connection: session settings.
    void forget_session_state() { is_dirty_ = false; }

private:
    using descriptor = boost::asio::posix::stream_descriptor;
    enum class direction : std::uint8_t { read, write };
    using result_handle = std::unique_ptr<pg_result, void (*)(pg_result*)>;
    class received;  // rows::content on a PGresult

    libpq_connection(boost::asio::any_io_executor executor, pg_conn* session);

    [[nodiscard]] boost::asio::awaitable<result<void>> start_up(deadline by);
    // Sends what libpq has queued and reads all results, in a state where nothing else is pending.
    [[nodiscard]] boost::asio::awaitable<result<rows>> exchange(deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> flush(deadline by);
    // The next result; nullptr after the last.
    [[nodiscard]] boost::asio::awaitable<result<result_handle>> next_result(deadline by);
    [[nodiscard]] boost::asio::awaitable<result<void>> wait(direction on, deadline by);

    [[nodiscard]] result<void> check_before_sending(std::string_view sql, deadline by) const;
    // Notes what a result means for the session; its error, if it is one.
    [[nodiscard]] result<void> note(const pg_result& one);
    [[nodiscard]] error statement_error(const pg_result& one);
    [[nodiscard]] error connect_error() const;
    [[nodiscard]] result<void> watch_socket();
    [[nodiscard]] error lost() const;
    // Nothing is sent any more and pending waits end; the server sees the end of the connection.
    void cut() noexcept;
    static void take_notice(void* self, const pg_result* notice);

    // A duplicate: libpq closes its own as soon as it meets an error, and the number may then be
    // another connection's before Asio forgets it.
    descriptor socket_;
    pg_conn* session_;
    std::string command_tag_;
    bool is_busy_ = false;    // an exchange has begun and is not complete
    bool is_broken_ = false;  // no statement can be sent any more
    bool is_dirty_ = false;   // session state was left behind
};

}  // namespace headroom::postgres
