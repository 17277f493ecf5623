// SPDX-License-Identifier: Apache-2.0
// The Postgres pool against a real server: statements, transactions, names, caps, what is reused.
#include "postgres/postgres_pool.hpp"

#include <gmock/gmock.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "integration/postgres/postgres_fixture.hpp"

namespace headroom::postgres {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PostgresPool : public testing::Test {
protected:
    static void SetUpTestSuite() { server_ = std::make_unique<private_postgres>(); }
    static void TearDownTestSuite() { server_.reset(); }
    static private_postgres& server() { return *server_; }

private:
    static inline std::unique_ptr<private_postgres> server_;  // one for all tests of a process
};

TEST_F(PostgresPool, OpensNothingBeforeTheFirstAcquire) {
    const pool_fixture f(options_for(server()));
    EXPECT_EQ(f.pool->stats().opens_started, 0U);
    EXPECT_EQ(server().sessions(), 0U);
}

TEST_F(PostgresPool, NamesItsConnections) {
    pool_fixture f(options_for(server()));
    const auto got = f.query("SELECT current_setting('application_name')");
    ASSERT_TRUE(got.has_value()) << got.error().what();
    EXPECT_EQ(got->text(0, 0), "chat:host-1:42:pg");
    EXPECT_EQ(server().sessions("chat:host-1:42:pg"), 1U);
}

TEST_F(PostgresPool, CarriesParametersUnchanged) {
    pool_fixture f(options_for(server()));
    const std::string hostile = "it's \"x\"; DROP TABLE t; -- \\ \n\t \u00e4\u20ac\U0001F642";
    const auto got = f.query(
        "SELECT $1::text AS words, $2::bigint AS low, $3::text AS nothing, $4::bool AS truth,"
        " $5::double precision AS half, $6::text AS empty",
        parameters(hostile, std::int64_t{INT64_MIN}, std::nullopt, true, "0.5", ""));
    ASSERT_TRUE(got.has_value()) << got.error().what();
    ASSERT_EQ(got->size(), 1U);
    ASSERT_EQ(got->columns(), 6U);
    EXPECT_EQ(got->get<std::string>(0, 0), hostile);
    EXPECT_EQ(got->get<std::int64_t>(0, 1), INT64_MIN);
    EXPECT_TRUE(got->is_null(0, 2));
    EXPECT_EQ(got->get<std::optional<std::string>>(0, 2).value_or("?"), std::nullopt);
    EXPECT_EQ(got->get<bool>(0, 3), true);
    EXPECT_EQ(got->get<double>(0, 4), 0.5);
    EXPECT_FALSE(got->is_null(0, 5));
    EXPECT_THAT(got->get<std::int64_t>(0, 0).error().detail, HasSubstr("'words'"));
}

TEST_F(PostgresPool, MovesLargeStatementsAndResults) {
    pool_fixture f(options_for(server()));
    const std::string large(8 << 20, 'x');
    const auto got = f.query("SELECT $1::text || 'y', $1::text", parameters(large), 30s);
    ASSERT_TRUE(got.has_value()) << got.error().what();
    EXPECT_EQ(got->text(0, 0), large + "y");
    EXPECT_EQ(got->text(0, 1), large);
}

TEST_F(PostgresPool, RefusesZeroBytesBeforeSending) {
    pool_fixture f(options_for(server()));
    using namespace std::string_literals;
    const auto parameter = f.query("SELECT $1::text, $2::text", parameters("a", "b\0c"s));
    EXPECT_EQ(parameter.error().code, postgres_errc::bad_parameter);
    EXPECT_THAT(parameter.error().detail, HasSubstr("$2"));
    EXPECT_EQ(f.query("SELECT 1\0"s).error().code, postgres_errc::bad_parameter);
    EXPECT_EQ(f.pool->stats().opened, 1U);  // the connection is not to blame
    EXPECT_EQ(f.pool->stats().idle, 1U);
}

TEST_F(PostgresPool, CountsAffectedRows) {
    pool_fixture f(options_for(server()));
    ASSERT_TRUE(f.query("CREATE TABLE counted (x int)").has_value());
    const auto inserted = f.query("INSERT INTO counted SELECT generate_series(1, 5)");
    ASSERT_TRUE(inserted.has_value()) << inserted.error().what();
    EXPECT_EQ(inserted->affected(), 5U);
    EXPECT_TRUE(inserted->empty());
}

TEST_F(PostgresPool, KeepsTheConnectionAfterAServerError) {
    pool_fixture f(options_for(server()));
    const auto wrong = f.query("SELECT nonsense");
    ASSERT_FALSE(wrong.has_value());
    EXPECT_EQ(wrong.error().code, postgres_errc::server_error);
    EXPECT_THAT(wrong.error().detail, StartsWith("42703: "));
    EXPECT_TRUE(f.query("SELECT 1").has_value());
    EXPECT_EQ(f.pool->stats().opened, 1U);
}

TEST_F(PostgresPool, TellsAUniqueViolation) {
    pool_fixture f(options_for(server()));
    ASSERT_TRUE(f.query("CREATE TABLE keyed (k int PRIMARY KEY)").has_value());
    ASSERT_TRUE(f.query("INSERT INTO keyed VALUES (1)").has_value());
    EXPECT_EQ(f.query("INSERT INTO keyed VALUES (1)").error().code,
              postgres_errc::unique_violation);
}

TEST_F(PostgresPool, RefusesCopyAndClosesItsConnection) {
    pool_fixture f(options_for(server()));
    const auto copied = f.query("COPY (SELECT 1) TO STDOUT");
    EXPECT_EQ(copied.error().code, postgres_errc::unexpected_result);
    EXPECT_TRUE(f.query("SELECT 1").has_value());
    EXPECT_EQ(f.pool->stats().opened, 2U);
}

TEST_F(PostgresPool, SaysNotSentWhenTheDeadlineHasPassed) {
    pool_fixture f(options_for(server()));
    auto held = f.acquire();
    EXPECT_EQ(f.run(held.query("SELECT 1", {}, in(-1ms))).error().code, postgres_errc::not_sent);
    EXPECT_TRUE(f.run(held.query("SELECT 1", {}, in(5s))).has_value());
}

// --- Cap and floor ---

asio::awaitable<void> hold_shortly(postgres_pool& pool, pool::owner_id owner) {
    const auto got = co_await pool.query("SELECT pg_sleep(0.01)", {}, {owner, in(50s)});
    EXPECT_TRUE(got.has_value()) << got.error().what();
}

TEST_F(PostgresPool, NeverPassesItsCapOnTheServer) {
    pool_fixture f(options_for(server(), 3));
    std::size_t most = 0;
    f.run([&](postgres_pool* pool, pool::owner_id owner) -> asio::awaitable<void> {
        co_await all_of(51, [&, pool, owner](std::size_t i) -> asio::awaitable<void> {
            if (i % 10 == 5) most = std::max(most, server().sessions());
            return hold_shortly(*pool, owner);
        });
    }(f.pool.get(), f.owner));
    most = std::max(most, server().sessions());
    EXPECT_EQ(most, 3U);
    EXPECT_EQ(f.pool->stats().granted, 51U);
    EXPECT_EQ(f.pool->stats().opened, 3U);
}

TEST_F(PostgresPool, RefillsItsFloorAfterSessionsWereTerminatedWhileNobodyAsks) {
    auto options = options_for(server(), 4, 2);
    options.bounds.peek_interval = 50ms;
    pool_fixture f(std::move(options));
    ASSERT_TRUE(f.eventually([&] { return f.pool->stats().idle == 2; }));
    server().tell(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'chat:%'");
    const auto& now = f.pool->stats();
    EXPECT_TRUE(f.eventually([&] { return now.opened == 4 && now.idle == 2; }));
    EXPECT_EQ(now.acquires, 0U);
    EXPECT_TRUE(f.eventually([&] { return server().sessions() == 2; }));
}

TEST_F(PostgresPool, HandsOutNoSessionThatWasTerminated) {
    auto options = options_for(server(), 4, 2);
    options.bounds.peek_interval = 0ms;  // only when it is handed out
    pool_fixture f(std::move(options));
    ASSERT_TRUE(f.eventually([&] { return f.pool->stats().idle == 2; }));
    EXPECT_EQ(server().sessions(), 2U);

    server().tell(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'chat:%'");
    ASSERT_TRUE(f.eventually([&] { return server().sessions() == 0; }));
    // The dead ones are noticed before they are handed out: no error reaches a caller.
    const auto got = f.query("SELECT 1");
    EXPECT_TRUE(got.has_value()) << got.error().what();
    EXPECT_TRUE(f.eventually([&] { return f.pool->stats().idle == 2; }));
    EXPECT_EQ(server().sessions(), 2U);
}

TEST_F(PostgresPool, KeepsAnIdleConnectionThroughNoticesAndParameterChanges) {
    pool_fixture f(options_for(server(), 1));
    auto before = f.query("SELECT pg_backend_pid()");
    ASSERT_TRUE(before.has_value());
    server().tell("ALTER SYSTEM SET timezone = 'Europe/Berlin'");
    server().tell("SELECT pg_reload_conf()");
    ASSERT_TRUE(f.eventually(
        [&] { return f.query("SHOW timezone").value().text(0, 0) == "Europe/Berlin"; }));
    EXPECT_EQ(f.query("SELECT pg_backend_pid()").value().text(0, 0), before->text(0, 0));
    server().tell("ALTER SYSTEM RESET timezone");
}

// --- Transactions and what is reused ---

TEST_F(PostgresPool, CommitsAndRollsBack) {
    pool_fixture f(options_for(server(), 1));
    ASSERT_TRUE(f.query("CREATE TABLE booked (x int)").has_value());
    {
        auto held = f.acquire();
        auto kept = f.run(held.begin(in(5s))).value();
        ASSERT_TRUE(f.run(kept.query("INSERT INTO booked VALUES ($1)", parameters(1), in(5s))));
        EXPECT_TRUE(f.run(kept.commit(in(5s))).has_value());
        auto dropped = f.run(held.begin(in(5s))).value();
        ASSERT_TRUE(f.run(dropped.query("INSERT INTO booked VALUES (2)", {}, in(5s))));
        EXPECT_TRUE(f.run(dropped.rollback(in(5s))).has_value());
    }
    EXPECT_EQ(server().ask("SELECT string_agg(x::text, ',') FROM booked"), "1");
    EXPECT_TRUE(f.query("SELECT 1").has_value());
    EXPECT_EQ(f.pool->stats().opened, 1U);  // reused
}

TEST_F(PostgresPool, SaysThatACommitWasARollback) {
    pool_fixture f(options_for(server(), 1));
    auto held = f.acquire();
    auto open = f.run(held.begin(in(5s))).value();
    EXPECT_FALSE(f.run(open.query("SELECT 1/0", {}, in(5s))).has_value());
    const auto committed = f.run(open.commit(in(5s)));
    ASSERT_FALSE(committed.has_value());
    EXPECT_THAT(committed.error().detail, HasSubstr("rolled back"));
}

TEST_F(PostgresPool, DoesNotReuseAnAbandonedTransaction) {
    pool_fixture f(options_for(server(), 1));
    ASSERT_TRUE(f.query("CREATE TABLE left_open (x int)").has_value());
    {
        auto held = f.acquire();
        auto open = f.run(held.begin(in(5s))).value();
        ASSERT_TRUE(f.run(open.query("INSERT INTO left_open VALUES (1)", {}, in(5s))));
    }
    EXPECT_EQ(f.query("SELECT count(*) FROM left_open").value().get<std::int64_t>(0, 0), 0);
    EXPECT_EQ(f.pool->stats().opened, 2U);
}

TEST_F(PostgresPool, DoesNotHandSessionStateToTheNextCaller) {
    pool_fixture f(options_for(server(), 1));
    for (const auto* sql :
         {"SET search_path = elsewhere", "LISTEN news", "SELECT pg_advisory_lock(7)",
          "CREATE TEMP TABLE mine (x int)", "PREPARE p AS SELECT 1",
          "SELECT set_config('work_mem', '1MB', false)"}) {
        ASSERT_TRUE(f.query(sql).has_value()) << sql;
        const auto opened = f.pool->stats().opened;
        ASSERT_TRUE(f.query("SELECT 1").has_value());
        EXPECT_EQ(f.pool->stats().opened, opened + 1) << sql;
    }
}

TEST_F(PostgresPool, LeavesAServerThatIsReadOnly) {
    pool_fixture f(options_for(server(), 1));
    {
        auto held = f.acquire();
        const auto refused = f.run(held.script("BEGIN READ ONLY; CREATE TABLE r (x int)", in(5s)));
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code, postgres_errc::read_only);
        EXPECT_EQ(f.run(held.query("SELECT 1", {}, in(5s))).error().code,
                  postgres_errc::connection_lost);
    }
    EXPECT_TRUE(f.query("CREATE TABLE r (x int)").has_value());
    EXPECT_EQ(f.pool->stats().opened, 2U);
}

TEST_F(PostgresPool, ReusesALeaseThatWasNotUsed) {
    pool_fixture f(options_for(server(), 1));
    {
        const auto unused = f.acquire();
    }
    {
        const auto unused = f.acquire();
    }
    EXPECT_EQ(f.pool->stats().opened, 1U);
}

TEST_F(PostgresPool, RunsSessionSettingsOnEachConnection) {
    auto options = options_for(server(), 1);
    options.session_settings = {"SET statement_timeout = '7s'", "SET lock_timeout = '3s'"};
    pool_fixture f(std::move(options));
    EXPECT_EQ(f.query("SHOW statement_timeout").value().text(0, 0), "7s");
    EXPECT_EQ(f.query("SHOW lock_timeout").value().text(0, 0), "3s");
    EXPECT_EQ(f.pool->stats().opened, 1U);
}

// --- Deadlines and cancellation ---

TEST_F(PostgresPool, EndsAStatementAtItsDeadlineAndItsSessionWithIt) {
    pool_fixture f(options_for(server(), 1));
    const auto before = clock::now();
    const auto late = f.query("SELECT pg_sleep(60)", {}, 200ms);
    EXPECT_EQ(late.error().code, postgres_errc::timeout);
    EXPECT_LT(clock::now() - before, 5s);
    EXPECT_TRUE(f.query("SELECT 1").has_value());
    EXPECT_EQ(server().ask("SELECT count(*) FROM pg_stat_activity"
                           " WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active'"),
              "0");
    EXPECT_EQ(f.pool->stats().abandoned, 0U);  // seen to its end, not given up
    EXPECT_EQ(server().sessions(), 1U);
}

TEST_F(PostgresPool, ClosesTheConnectionOfACancelledCaller) {
    pool_fixture f(options_for(server(), 1));
    asio::cancellation_signal stop;
    bool ended = false;
    asio::co_spawn(f.loop, f.pool->query("SELECT pg_sleep(60)", {}, {f.owner, in(50s)}),
                   asio::bind_cancellation_slot(
                       stop.slot(), [&](const std::exception_ptr&, const result<rows>& got) {
                           EXPECT_FALSE(got.has_value());
                           ended = true;
                       }));
    ASSERT_TRUE(f.eventually([&] {
        return server().ask(
                   "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                   " AND query = 'SELECT pg_sleep(60)'") == "1";
    }));
    stop.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(f.eventually([&] { return ended; }));
    EXPECT_TRUE(f.query("SELECT 1").has_value());
    EXPECT_EQ(f.pool->stats().opened, 2U);
    EXPECT_EQ(server().sessions(), 1U);
}

TEST_F(PostgresPool, LeavesNoSessionAfterClose) {
    pool_fixture f(options_for(server(), 3, 2));
    ASSERT_TRUE(f.eventually([&] { return f.pool->stats().idle == 2; }));
    EXPECT_EQ(server().sessions(), 2U);
    EXPECT_TRUE(f.run(f.pool->close(in(5s))).has_value());
    EXPECT_EQ(server().sessions(), 0U);
    EXPECT_EQ(f.query("SELECT 1").error().code, postgres_errc::closed);
}

TEST_F(PostgresPool, CutsAStatementThatOutlivesClose) {
    pool_fixture f(options_for(server(), 1));
    bool ended = false;
    asio::co_spawn(f.loop, f.pool->query("SELECT pg_sleep(60)", {}, {f.owner, in(50s)}),
                   [&](const std::exception_ptr&, const result<rows>& got) {
                       EXPECT_EQ(got.error().code, postgres_errc::connection_lost);
                       ended = true;
                   });
    ASSERT_TRUE(f.eventually([&] { return f.pool->stats().leased == 1; }));
    EXPECT_TRUE(f.run(f.pool->close(in(200ms))).has_value());
    EXPECT_TRUE(ended);
    EXPECT_EQ(server().sessions(), 0U);
}

// --- Migrations ---

std::vector<migration> two_steps(const std::string& table) {
    return {{.version = 1,
             .name = "first",
             .sql = "CREATE TABLE " + table + " (x int); INSERT INTO " + table + " VALUES (1)"},
            {.version = 2, .name = "second", .sql = "INSERT INTO " + table + " VALUES (2)"}};
}

class PostgresMigrations : public PostgresPool {
protected:
    void SetUp() override { server().tell("DROP TABLE IF EXISTS headroom_migrations"); }
    static result<void> migrate(pool_fixture& f, std::vector<migration> steps) {
        return f.run(f.pool->migrate(std::move(steps), {f.owner, in(20s)}));
    }
};

TEST_F(PostgresMigrations, ApplyEachStepOnceWhenPoolsStartTogether) {
    asio::io_context loop{1};
    std::vector<std::unique_ptr<postgres_pool>> pools;
    for (int i = 0; i < 5; ++i) {
        pools.push_back(
            std::make_unique<postgres_pool>(loop.get_executor(), options_for(server(), 1)));
    }
    run_on(loop, all_of(pools.size(), [&](std::size_t i) {
               return [](postgres_pool& pool) -> asio::awaitable<void> {
                   const auto done =
                       co_await pool.migrate(two_steps("together"), {pool.owner("test"), in(20s)});
                   EXPECT_TRUE(done.has_value()) << done.error().what();
               }(*pools[i]);
           }));
    EXPECT_EQ(server().ask("SELECT string_agg(x::text, ',' ORDER BY x) FROM together"), "1,2");
    EXPECT_EQ(server().ask("SELECT string_agg(version || name, ',' ORDER BY version)"
                           " FROM headroom_migrations"),
              "1first,2second");
    for (auto& pool : pools)
        EXPECT_TRUE(run_on(loop, pool->close(in(5s))).has_value());
}

TEST_F(PostgresMigrations, RefuseASchemaNewerThanTheProgram) {
    pool_fixture f(options_for(server(), 1));
    ASSERT_TRUE(migrate(f, two_steps("newer")).has_value());
    auto older = two_steps("newer");
    older.pop_back();
    const auto refused = migrate(f, older);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, postgres_errc::migration_failed);
    EXPECT_THAT(refused.error().detail, AllOf(HasSubstr("version 2"), HasSubstr("only 1")));
}

TEST_F(PostgresMigrations, UndoAFailedStepAndUnlock) {
    pool_fixture f(options_for(server(), 1));
    auto steps = two_steps("undone");
    steps[1].sql = "INSERT INTO undone VALUES (2); SELECT 1/0";
    const auto failed = migrate(f, steps);
    ASSERT_FALSE(failed.has_value());
    EXPECT_THAT(failed.error().detail, AllOf(HasSubstr("step 2 'second'"), HasSubstr("22012")));
    EXPECT_EQ(server().ask("SELECT string_agg(x::text, ',') FROM undone"), "1");
    EXPECT_EQ(server().ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
    EXPECT_TRUE(migrate(f, two_steps("undone")).has_value());
    EXPECT_EQ(server().ask("SELECT count(*) FROM undone"), "2");
}

TEST_F(PostgresMigrations, RefuseStepsOutOfOrder) {
    pool_fixture f(options_for(server(), 1));
    auto steps = two_steps("unordered");
    std::swap(steps[0], steps[1]);
    EXPECT_EQ(migrate(f, steps).error().code, postgres_errc::migration_failed);
}

}  // namespace
}  // namespace headroom::postgres
