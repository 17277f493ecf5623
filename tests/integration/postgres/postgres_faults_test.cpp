// SPDX-License-Identifier: Apache-2.0
// The Postgres pool when the server refuses, is full, or dies. Each test has a server of its own.
#include <gmock/gmock.h>

#include "integration/postgres/postgres_fixture.hpp"

namespace headroom::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

void set(postgres_pool_options& options, std::string_view keyword, std::string value) {
    for (auto& [name, old] : options.connection) {
        if (name == keyword) old = value;
    }
    options.connection.emplace_back(keyword, std::move(value));
}

TEST(PostgresFaults, DoNotHammerAServerThatRefusesThePassword) {
    private_postgres server({.access_rules = {"local all guarded scram-sha-256"}});
    server.tell("CREATE ROLE guarded LOGIN PASSWORD 'right'");
    auto options = options_for(server);
    set(options, "user", "guarded");
    set(options, "password", "wrong-secret");
    pool_fixture f(std::move(options));

    const auto before = clock::now();
    const auto refused = f.query("SELECT 1");
    ASSERT_FALSE(refused.has_value());
    EXPECT_LT(clock::now() - before, 5s);  // told at once, not at the caller's deadline
    EXPECT_EQ(refused.error().code, pool::pool_errc::open_failed);
    EXPECT_THAT(refused.error().detail, AllOf(HasSubstr("28P01"), Not(HasSubstr("wrong-secret"))));
    EXPECT_LE(f.pool->stats().opens_started, 2U);
}

TEST(PostgresFaults, NameAMissingDatabase) {
    const private_postgres server;
    auto options = options_for(server);
    set(options, "dbname", "nowhere");
    pool_fixture f(std::move(options));
    const auto refused = f.query("SELECT 1");
    EXPECT_EQ(refused.error().code, pool::pool_errc::open_failed);
    EXPECT_THAT(refused.error().detail, AllOf(HasSubstr("3D000"), HasSubstr("nowhere")));
    EXPECT_LE(f.pool->stats().opens_started, 2U);
}

TEST(PostgresFaults, NameBadSessionSettings) {
    const private_postgres server;
    auto options = options_for(server);
    options.session_settings = {"SET no_such_thing = 1"};
    pool_fixture f(std::move(options));
    const auto refused = f.query("SELECT 1");
    EXPECT_EQ(refused.error().code, pool::pool_errc::open_failed);
    EXPECT_THAT(refused.error().detail, HasSubstr("no_such_thing"));
}

TEST(PostgresFaults, WaitWhileTheServerIsFull) {
    const private_postgres server({.max_connections = 5});  // two for plain roles
    pool_fixture other(options_for(server, 2, 2));
    ASSERT_TRUE(other.eventually([&] { return other.pool->stats().idle == 2; }));

    pool_fixture f(options_for(server, 2));
    bool ended = false;
    asio::co_spawn(f.loop, f.pool->query("SELECT 1", {}, {f.owner, in(20s)}),
                   [&](const std::exception_ptr&, const result<rows>& got) {
                       EXPECT_TRUE(got.has_value()) << got.error().what();
                       ended = true;
                   });
    ASSERT_TRUE(f.eventually([&] { return f.pool->stats().opens_failed >= 2; }));
    EXPECT_FALSE(ended);
    EXPECT_TRUE(other.run(other.pool->close(in(5s))).has_value());
    EXPECT_TRUE(f.eventually([&] { return ended; }));
}

TEST(PostgresFaults, EndInTypedErrorsAndRecoveryWhenTheServerIsKilledAndRestarted) {
    private_postgres server;
    pool_fixture f(options_for(server, 3, 2));
    ASSERT_TRUE(f.eventually([&] { return f.pool->stats().idle == 2; }));
    bool ended = false;
    asio::co_spawn(f.loop, f.pool->query("SELECT pg_sleep(60)", {}, {f.owner, in(50s)}),
                   [&](const std::exception_ptr&, const result<rows>& got) {
                       EXPECT_EQ(got.error().code, postgres_errc::connection_lost);
                       ended = true;
                   });
    ASSERT_TRUE(f.eventually([&] { return f.pool->stats().leased == 1; }));

    server.kill();
    EXPECT_TRUE(f.eventually([&] { return ended; }));
    const auto away = f.query("SELECT 1", {}, 500ms);
    ASSERT_FALSE(away.has_value());
    EXPECT_THAT(away.error().code.category().name(),
                testing::AnyOf(testing::StrEq("pool"), testing::StrEq("postgres")));

    server.start();
    const auto back = f.query("SELECT 1", {}, 20s);
    EXPECT_TRUE(back.has_value()) << back.error().what();
    EXPECT_TRUE(f.eventually([&] { return f.pool->stats().idle >= 2; }));
}

TEST(PostgresFaults, TellALostConnectionWhenTheSessionIsTerminatedInUse) {
    const private_postgres server;
    pool_fixture f(options_for(server, 1));
    auto held = f.acquire();
    ASSERT_TRUE(f.run(held.query("SELECT 1", {}, in(5s))).has_value());
    server.tell(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name LIKE 'chat:%'");
    const auto lost = f.run(held.query("SELECT 1", {}, in(5s)));
    EXPECT_EQ(lost.error().code, postgres_errc::connection_lost);
    EXPECT_THAT(lost.error().detail, HasSubstr("57P01"));
}

TEST(PostgresFaults, NameAHostThatCannotBeResolved) {
    postgres_pool_options options;
    options.connection = {{"host", "no-such-host.invalid"}, {"dbname", "app"}, {"user", "app"}};
    options.identity = {"chat", "host-1", 42};
    options.bounds.cap = 1;
    pool_fixture f(std::move(options));
    const auto refused = f.query("SELECT 1", {}, 2s);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, HasSubstr("no-such-host.invalid"));
}

TEST(PostgresFaults, TryTheNextHostWhenTheFirstRefuses) {
    const private_postgres server;
    auto options = options_for(server, 1);
    set(options, "host", "127.0.0.1," + server.folder());
    set(options, "port", "1,5432");
    pool_fixture f(std::move(options));
    const auto got = f.query("SELECT 1");
    EXPECT_TRUE(got.has_value()) << got.error().what();
}

}  // namespace
}  // namespace headroom::postgres
