// SPDX-License-Identifier: Apache-2.0
#include "postgres/libpq_connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>

#include "base/text.hpp"
#include "net/deadline.hpp"
#include "postgres/conninfo.hpp"
#include "postgres/core/reset_rules.hpp"
#include "postgres/core/sqlstate.hpp"
#include "postgres/rows_content.hpp"

namespace headroom::postgres {

namespace asio = boost::asio;

namespace {

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t parameters_max = 65535;  // a 16-bit count on the wire
constexpr std::size_t message_bytes_max = 300;

bool is_error(const PGresult& one) {
    const auto status = PQresultStatus(&one);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

bool is_copy(const PGresult& one) {
    const auto status = PQresultStatus(&one);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

std::string_view field(const PGresult& one, int code) {
    const char* value = PQresultErrorField(&one, code);
    return value == nullptr ? std::string_view{} : std::string_view(value);
}

// The first lines of libpq's text, without the server's source locations.
std::string one_line(std::string_view message) {
    std::string line;
    while (!message.empty()) {
        const auto end = std::min(message.find('\n'), message.size());
        auto part = message.substr(0, end);
        part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
        message.remove_prefix(std::min(end + 1, message.size()));
        if (part.empty() || part.starts_with("LOCATION:")) continue;
        if (!line.empty()) line += "; ";
        line += part;
    }
    return printable_excerpt(line, message_bytes_max);
}

postgres_errc to_errc(sqlstate_class what) {
    switch (what) {
        case sqlstate_class::unique_violation:
            return postgres_errc::unique_violation;
        case sqlstate_class::read_only:
            return postgres_errc::read_only;
        case sqlstate_class::connection:
        case sqlstate_class::not_now:
            return postgres_errc::connection_lost;
        case sqlstate_class::statement:
        case sqlstate_class::not_permitted:
            return postgres_errc::server_error;
    }
    return postgres_errc::server_error;
}

}  // namespace

class libpq_connection::received final : public rows::content {
public:
    explicit received(result_handle from) : from_(std::move(from)) {}

    std::size_t size() const override { return static_cast<std::size_t>(PQntuples(from_.get())); }
    std::size_t columns() const override {
        return static_cast<std::size_t>(PQnfields(from_.get()));
    }
    std::uint64_t affected() const override {
        const std::string_view digits = PQcmdTuples(from_.get());
        std::uint64_t count = 0;
        (void)std::from_chars(digits.data(), digits.data() + digits.size(), count);
        return count;
    }
    bool is_null(std::size_t row, std::size_t column) const override {
        return PQgetisnull(from_.get(), static_cast<int>(row), static_cast<int>(column)) == 1;
    }
    std::string_view text(std::size_t row, std::size_t column) const override {
        const int r = static_cast<int>(row);
        const int c = static_cast<int>(column);
        return {PQgetvalue(from_.get(), r, c),
                static_cast<std::size_t>(PQgetlength(from_.get(), r, c))};
    }
    std::string_view column_name(std::size_t column) const override {
        return PQfname(from_.get(), static_cast<int>(column));
    }

private:
    result_handle from_;
};

libpq_connection::libpq_connection(asio::any_io_executor executor, pg_conn* session)
    : socket_(executor), session_(session) {}

libpq_connection::~libpq_connection() {
    const int copy = close();
    if (copy >= 0) ::close(copy);
}

// --- Opening ---

asio::awaitable<result<std::unique_ptr<libpq_connection>>> libpq_connection::connect(
    connection_options options, deadline by) {
    auto executor = co_await asio::this_coro::executor;
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : options) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);

    constexpr int dbname_is_no_conninfo = 0;
    auto* session = PQconnectStartParams(keywords.data(), values.data(), dbname_is_no_conninfo);
    if (session == nullptr) co_return failure(postgres_errc::connect_failed, "out of memory");
    std::unique_ptr<libpq_connection> made(new libpq_connection(executor, session));

    const auto started = co_await made->start_up(by);
    if (!started) co_return std::unexpected(started.error());
    co_return made;
}

asio::awaitable<result<void>> libpq_connection::start_up(deadline by) {
    // A failed connect has no SQLSTATE of its own; in verbose text it stands behind the severity.
    PQsetErrorVerbosity(session_, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(session_, &take_notice, this);
    if (PQstatus(session_) == CONNECTION_BAD) co_return std::unexpected(connect_error());

    auto next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED) co_return std::unexpected(connect_error());
        // libpq may go on to the next address under the same descriptor number, which epoll would
        // not notice: each wait is on a descriptor of its own.
        if (auto watched = watch_socket(); !watched) co_return watched;
        const auto ready =
            co_await wait(next == PGRES_POLLING_READING ? direction::read : direction::write, by);
        if (!ready) {
            if (ready.error().code != postgres_errc::timeout) {
                co_return failure(ready.error().code, "while connecting");
            }
            co_return failure(postgres_errc::connect_failed, "not connected before the deadline");
        }
        next = PQconnectPoll(session_);
    }
    PQsetErrorVerbosity(session_, PQERRORS_DEFAULT);
    (void)PQsetnonblocking(session_, 1);
    co_return watch_socket();
}

result<void> libpq_connection::watch_socket() {
    boost::system::error_code ec;
    socket_.close(ec);
    const int copy = ::fcntl(PQsocket(session_), F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) socket_.assign(copy, ec);
    if (copy >= 0 && !ec) return {};
    const auto why = copy < 0 ? std::generic_category().message(errno) : ec.message();
    if (copy >= 0) ::close(copy);
    return failure(postgres_errc::connect_failed, "duplicating the socket: " + why);
}

error libpq_connection::connect_error() const {
    const std::string_view message = PQerrorMessage(session_);
    const auto sqlstate = find_sqlstate(message);
    const bool is_refusal = classify_sqlstate(sqlstate) == sqlstate_class::not_permitted ||
                            (sqlstate.empty() && PQconnectionNeedsPassword(session_) == 1);
    if (is_refusal) return {postgres_errc::auth_failed, one_line(message)};
    // libpq speaks of the server as soon as it has tried to reach one.
    const bool has_dialled = message.starts_with("connection to server");
    return {has_dialled || !sqlstate.empty() ? postgres_errc::connect_failed
                                             : postgres_errc::bad_settings,
            one_line(message)};
}

// --- As the pool sees it ---

bool libpq_connection::is_alive() noexcept {
    constexpr int rounds_max = 64;
    for (int round = 0; round < rounds_max && !is_broken_ && session_ != nullptr; ++round) {
        char byte = 0;
        const auto peeked =
            ::recv(socket_.native_handle(), &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
        if (peeked < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (peeked < 0 && errno == EINTR) continue;
        if (peeked <= 0) break;
        // Notices and parameter changes may come unasked and mean no harm; the notice receiver
        // tells when the session was ended.
        if (PQconsumeInput(session_) == 0 || PQisBusy(session_) != 0) break;
        while (auto* told = PQnotifies(session_))
            PQfreemem(told);
        if (PQstatus(session_) != CONNECTION_OK) break;
    }
    is_broken_ = true;
    return false;
}

void libpq_connection::cut() noexcept {
    is_broken_ = true;
    if (!socket_.is_open()) return;
    // Only our side ends: the socket still tells when the server has let go.
    (void)::shutdown(socket_.native_handle(), SHUT_WR);
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void libpq_connection::abort() noexcept {
    cut();
}

int libpq_connection::close() noexcept {
    auto* session = std::exchange(session_, nullptr);
    if (session == nullptr) return -1;
    PQfinish(session);
    if (!socket_.is_open()) return -1;
    const int copy = socket_.release();
    // The copy keeps the connection open: say that nothing more will come.
    (void)::shutdown(copy, SHUT_WR);
    return copy;
}

bool libpq_connection::is_clean() const {
    return !is_broken_ && !is_busy_ && !is_dirty_ && session_ != nullptr &&
           PQtransactionStatus(session_) == PQTRANS_IDLE;
}

bool libpq_connection::is_in_transaction() const {
    return !is_broken_ && session_ != nullptr && PQtransactionStatus(session_) == PQTRANS_INTRANS;
}

int libpq_connection::server_version() const {
    return PQserverVersion(session_);
}

void libpq_connection::take_notice(void* self, const pg_result* notice) {
    const auto severity = field(*notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == "ERROR" || severity == "FATAL" || severity == "PANIC") {
        static_cast<libpq_connection*>(self)->is_broken_ = true;
    }
}

// --- Statements ---

result<void> libpq_connection::check_before_sending(std::string_view sql, deadline by) const {
    if (is_broken_) return failure(postgres_errc::connection_lost, "before the statement was sent");
    if (is_busy_) {
        return failure(postgres_errc::not_sent, "another statement runs on this connection");
    }
    if (clock::now() >= by) return failure(postgres_errc::not_sent);
    if (sql.find('\0') != std::string_view::npos) {
        return failure(postgres_errc::bad_parameter, "the statement holds a zero byte");
    }
    return {};
}

asio::awaitable<result<rows>> libpq_connection::query(std::string sql, parameters with,
                                                      deadline by) {
    if (auto ready = check_before_sending(sql, by); !ready) {
        co_return std::unexpected(std::move(ready.error()));
    }
    const auto& given = with.values();
    if (given.size() > parameters_max) {
        co_return failure(postgres_errc::bad_parameter,
                          fmt::format("{} parameters, where a statement has at most {}",
                                      given.size(), parameters_max));
    }
    std::vector<const char*> values;
    values.reserve(given.size());
    for (const auto& each : given) {
        if (each && each->find('\0') != std::string::npos) {
            co_return failure(postgres_errc::bad_parameter,
                              fmt::format("parameter ${} holds a zero byte, which Postgres text "
                                          "cannot hold",
                                          values.size() + 1));
        }
        values.push_back(each ? each->c_str() : nullptr);
    }

    is_busy_ = true;
    is_dirty_ = is_dirty_ || text_leaves_state(sql);
    const int sent = PQsendQueryParams(session_, sql.c_str(), static_cast<int>(values.size()),
                                       nullptr, values.data(), nullptr, nullptr, 0);
    if (sent == 0) co_return std::unexpected(lost());
    co_return co_await exchange(by);
}

asio::awaitable<result<rows>> libpq_connection::script(std::string sql, deadline by) {
    if (auto ready = check_before_sending(sql, by); !ready) {
        co_return std::unexpected(std::move(ready.error()));
    }
    is_busy_ = true;
    is_dirty_ = is_dirty_ || text_leaves_state(sql);
    if (PQsendQuery(session_, sql.c_str()) == 0) co_return std::unexpected(lost());
    co_return co_await exchange(by);
}

asio::awaitable<result<rows>> libpq_connection::exchange(deadline by) {
    auto flushed = co_await flush(by);
    if (!flushed) co_return std::unexpected(std::move(flushed.error()));

    rows last;
    std::optional<error> first_error;
    for (;;) {
        auto next = co_await next_result(by);
        // The reason the server gave before it closed says more than the end of the connection.
        if (!next) co_return std::unexpected(first_error.value_or(std::move(next.error())));
        if (*next == nullptr) break;
        if (auto noted = note(**next); !noted) {
            if (!first_error) first_error = std::move(noted.error());
            if (is_copy(**next)) co_return std::unexpected(std::move(*first_error));
            continue;
        }
        last = rows(std::make_shared<received>(std::move(*next)));
    }
    if (PQstatus(session_) != CONNECTION_OK) is_broken_ = true;
    is_busy_ = false;
    if (first_error) co_return std::unexpected(std::move(*first_error));
    co_return last;
}

asio::awaitable<result<void>> libpq_connection::flush(deadline by) {
    // One statement is out at a time, and the server reads all of it before it answers: waiting to
    // write cannot block both sides. (PQflush reads what has arrived when it cannot write.)
    for (;;) {
        const int left = PQflush(session_);
        if (left == 0) co_return result<void>{};
        if (left < 0) {
            // The server may have said why before it closed.
            (void)PQconsumeInput(session_);
            co_return std::unexpected(lost());
        }
        auto ready = co_await wait(direction::write, by);
        if (!ready) co_return ready;
    }
}

asio::awaitable<result<libpq_connection::result_handle>> libpq_connection::next_result(
    deadline by) {
    while (PQisBusy(session_) != 0) {
        auto ready = co_await wait(direction::read, by);
        if (!ready) co_return std::unexpected(std::move(ready.error()));
        if (PQconsumeInput(session_) == 0) {
            // What arrived before the end may hold the reason: PQgetResult gives it, or the loss.
            is_broken_ = true;
            break;
        }
    }
    co_return result_handle(PQgetResult(session_), &PQclear);
}

asio::awaitable<result<void>> libpq_connection::wait(direction on, deadline by) {
    const net::deadline_guard guard(socket_.get_executor(), by, [this] {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    });
    auto [ec] = co_await socket_.async_wait(
        on == direction::read ? descriptor::wait_read : descriptor::wait_write, use_tuple);
    if (!ec) co_return result<void>{};

    const bool was_cut = is_broken_;
    cut();
    if (guard.has_expired()) {
        co_return failure(postgres_errc::timeout);
    }
    if (was_cut) co_return failure(postgres_errc::connection_lost, "cut by the pool");
    if (ec == asio::error::operation_aborted) {
        co_return failure(postgres_errc::cancelled);
    }
    co_return failure(postgres_errc::connection_lost, ec.message());
}

result<void> libpq_connection::note(const pg_result& one) {
    if (is_error(one)) return std::unexpected(statement_error(one));
    if (is_copy(one)) {
        cut();
        return failure(postgres_errc::unexpected_result,
                       "COPY cannot run as a query: the connection is closed");
    }
    command_tag_ = PQcmdStatus(const_cast<pg_result*>(&one));
    is_dirty_ = is_dirty_ || tag_leaves_state(command_tag_);
    return {};
}

error libpq_connection::statement_error(const pg_result& one) {
    const auto sqlstate = field(one, PG_DIAG_SQLSTATE);
    if (sqlstate.empty()) {
        // libpq's own, not the server's.
        is_broken_ = true;
        return {postgres_errc::connection_lost, one_line(PQresultErrorMessage(&one))};
    }
    const auto what = classify_sqlstate(sqlstate);
    if (evicts(what)) is_broken_ = true;
    return {to_errc(what),
            fmt::format("{}: {}", sqlstate,
                        printable_excerpt(field(one, PG_DIAG_MESSAGE_PRIMARY), message_bytes_max))};
}

error libpq_connection::lost() const {
    return {postgres_errc::connection_lost, one_line(PQerrorMessage(session_))};
}

result<std::vector<std::pair<std::string, std::string>>> parse_conninfo(const std::string& text) {
    char* message = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
        PQconninfoParse(text.c_str(), &message), &PQconninfoFree);
    if (message != nullptr) PQfreemem(message);  // it quotes the text, which may hold a password
    if (!parsed) {
        return failure(postgres_errc::bad_settings,
                       "no connection string: postgresql://user@host:port/database or "
                       "\"host=... dbname=...\" is expected, with special characters of a URL "
                       "percent-encoded");
    }
    std::vector<std::pair<std::string, std::string>> named;
    for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) named.emplace_back(option->keyword, option->val);
    }
    return named;
}

}  // namespace headroom::postgres
