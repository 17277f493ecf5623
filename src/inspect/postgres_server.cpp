// SPDX-License-Identifier: Apache-2.0
#include "inspect/postgres_server.hpp"

#include <algorithm>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/text.hpp"
#include "inspect/own_name.hpp"
#include "postgres/connector.hpp"
#include "postgres/libpq_connection.hpp"
#include "postgres/rows.hpp"

namespace headroom::inspect {

namespace asio = boost::asio;

namespace {

// What a role without pg_read_all_stats may not see is NULL, backend_type too; background
// processes have no user or no database.
// https://www.postgresql.org/docs/15/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
constexpr const char* client_sessions =
    " FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND (backend_type = 'client backend'"
    "      OR (backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))";

constexpr const char* ask_settings =
    "SELECT current_setting('server_version'), current_user, current_database(),"
    " rolsuper, pg_is_in_recovery(),"
    " rolsuper OR pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),"
    " EXISTS (SELECT FROM pg_settings WHERE name LIKE 'rds.%'),"
    " current_setting('max_connections')::bigint,"
    " (SELECT source FROM pg_settings WHERE name = 'max_connections'),"
    " current_setting('superuser_reserved_connections')::bigint,"
    " current_setting('reserved_connections', true)::bigint,"
    " current_setting('rds.rds_superuser_reserved_connections', true)::bigint,"
    " nullif(rolconnlimit, -1)::bigint, nullif(datconnlimit, -1)::bigint,"
    " pg_size_bytes(current_setting('shared_buffers')), pg_size_bytes(current_setting('work_mem'))"
    " FROM pg_roles, pg_database"
    " WHERE rolname = current_user AND datname = current_database()";

constexpr const char* ask_counts =
    "SELECT count(*), count(*) FILTER (WHERE usename = current_user),"
    " count(*) FILTER (WHERE datname = current_database())";

// A statement's first word only: the rest may be private.
constexpr const char* ask_sessions =
    "SELECT coalesce(application_name, ''),"
    " CASE WHEN backend_type IS NULL THEN '' ELSE coalesce(host(client_addr), 'local') END,"
    " coalesce(usename, ''), coalesce(state, 'hidden'),"
    " coalesce(extract(epoch FROM clock_timestamp() - backend_start), 0)::bigint,"
    " coalesce(CASE WHEN state = 'active' THEN 0"
    "   ELSE extract(epoch FROM clock_timestamp() - state_change) END, 0)::bigint,"
    " CASE WHEN state LIKE 'idle in transaction%'"
    "   THEN extract(epoch FROM clock_timestamp() - state_change)::bigint END,"
    " coalesce(upper(substring(query FROM '^\\s*(\\w{1,20})')), '')";

// Reads the columns of one row in order; the first that does not fit ends it.
class row_reader {
public:
    row_reader(const postgres::rows& from, std::size_t row) : rows_(from), row_(row) {}

    template <class T>
    T next() {
        auto value = rows_.get<T>(row_, column_++);
        if (value) return std::move(*value);
        if (!fault_) fault_ = value.error();
        return T{};
    }
    // A name or word to be shown and compared: a role may be called anything.
    std::string word() { return printable_excerpt(next<std::string>()); }
    // A count: never negative.
    std::uint64_t count() {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, next<std::int64_t>()));
    }
    std::optional<std::uint64_t> maybe_count() {
        const auto value = next<std::optional<std::int64_t>>();
        if (!value) return std::nullopt;
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, *value));
    }
    [[nodiscard]] const std::optional<error>& fault() const { return fault_; }

private:
    const postgres::rows& rows_;
    std::size_t row_;
    std::size_t column_ = 0;
    std::optional<error> fault_;
};

seconds to_seconds(std::int64_t count) {
    return seconds(std::max<std::int64_t>(0, count));
}

}  // namespace

struct postgres_server::state {
    asio::io_context loop{1};
    std::unique_ptr<postgres::libpq_connection> session;

    template <class T>
    result<T> run(asio::awaitable<result<T>> work) {
        std::optional<result<T>> outcome;
        asio::co_spawn(loop, std::move(work),
                       [&](const std::exception_ptr& thrown, result<T> done) {
                           if (thrown) std::rethrow_exception(thrown);
                           outcome.emplace(std::move(done));
                       });
        loop.restart();
        // Not until there is no more to do: a look-up of a name may hang.
        while (!outcome && loop.run_one() > 0) {
        }
        return std::move(*outcome);
    }
    result<postgres::rows> ask(std::string sql, deadline by) {
        return run(session->query(std::move(sql), postgres::parameters(), by));
    }
};

postgres_server::postgres_server(std::unique_ptr<state> opened) : state_(std::move(opened)) {}
postgres_server::postgres_server(postgres_server&&) noexcept = default;
postgres_server::~postgres_server() = default;

result<postgres_server> postgres_server::open(
    std::vector<std::pair<std::string, std::string>> connection, deadline by) {
    auto opened = std::make_unique<state>();
    postgres::connector connector(std::move(connection), own_name(),
                                  {"SET default_transaction_read_only = on"});
    auto session = opened->run(connector.open(by));
    if (!session) {
        // A look-up of a name that hangs cannot be taken back, and its loop's end would wait for
        // it.
        if (clock::now() >= by) (void)opened.release();
        return std::unexpected(session.error());
    }
    opened->session.reset(static_cast<postgres::libpq_connection*>(session->release()));
    return postgres_server(std::move(opened));
}

result<postgres_limits> postgres_server::limits(deadline by) {
    auto settings = state_->ask(ask_settings, by);
    if (!settings) return std::unexpected(settings.error());
    if (settings->size() != 1) {
        return failure(postgres::postgres_errc::unexpected_result, "no row for the current role");
    }
    postgres_limits found;
    row_reader row(*settings, 0);
    found.version = row.word();
    found.role = row.word();
    found.database = row.word();
    found.is_superuser = row.next<bool>();
    found.is_replica = row.next<bool>();
    found.sees_all = row.next<bool>();
    found.is_rds = row.next<bool>();
    found.max_connections = row.count();
    found.max_connections_source = row.next<std::string>();
    found.reserved_superuser = row.count();
    found.reserved_role = row.maybe_count();
    found.reserved_provider = row.maybe_count();
    found.role_limit = row.maybe_count();
    found.database_limit = row.maybe_count();
    found.shared_buffers_bytes = row.count();
    found.work_mem_bytes = row.count();
    if (row.fault()) return std::unexpected(*row.fault());

    auto counts = state_->ask(std::string(ask_counts) + client_sessions, by);
    if (!counts) return std::unexpected(counts.error());
    row_reader counted(*counts, 0);
    found.sessions = counted.count();
    found.sessions_of_role = counted.count();
    found.sessions_of_database = counted.count();
    if (counted.fault()) return std::unexpected(*counted.fault());

    auto states = state_->ask(
        std::string("SELECT coalesce(state, 'hidden'), count(*)") + client_sessions + " GROUP BY 1",
        by);
    if (!states) return std::unexpected(states.error());
    for (std::size_t i = 0; i < states->size(); ++i) {
        row_reader state(*states, i);
        auto word = state.word();
        found.by_state[std::move(word)] = state.count();
        if (state.fault()) return std::unexpected(*state.fault());
    }
    return found;
}

result<void> postgres_server::sessions(const std::function<void(const holder&)>& each,
                                       deadline by) {
    auto listed = state_->ask(std::string(ask_sessions) + client_sessions, by);
    if (!listed) return std::unexpected(listed.error());
    for (std::size_t i = 0; i < listed->size(); ++i) {
        row_reader row(*listed, i);
        holder one;
        one.server = server_kind::postgres;
        one.name = row.next<std::string>();
        one.ours = parse_client_name(one.name);
        one.address = row.next<std::string>();
        one.user = row.word();
        one.state = row.next<std::string>();
        one.age = to_seconds(row.next<std::int64_t>());
        one.idle = to_seconds(row.next<std::int64_t>());
        if (const auto open_for = row.next<std::optional<std::int64_t>>())
            one.idle_in_transaction_for = to_seconds(*open_for);
        one.last_command = row.next<std::string>();
        if (row.fault()) return std::unexpected(*row.fault());
        each(one);
    }
    return {};
}

bool is_postgres_full(const error& why) {
    return why.detail.find("53300") != std::string::npos;
}

}  // namespace headroom::inspect
