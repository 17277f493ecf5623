// SPDX-License-Identifier: Apache-2.0
#include "postgres/migrate.hpp"

#include <fmt/format.h>

namespace headroom::postgres {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t lock_key = 0x4845'4144'524F'4F4D;  // "HEADROOM"

constexpr std::string_view history_exists = "SELECT to_regclass('headroom_migrations') IS NOT NULL";
constexpr std::string_view create_history =
    "CREATE TABLE headroom_migrations ("
    "version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";

std::unexpected<error> failed(std::string_view doing, const error& why) {
    return failure(postgres_errc::migration_failed, fmt::format("{}: {}", doing, why.what()));
}

result<void> check_order(const std::vector<migration>& steps) {
    int previous = 0;
    for (const auto& step : steps) {
        if (step.version <= previous) {
            return failure(postgres_errc::migration_failed,
                           fmt::format("step '{}' has version {}, which must be above {}",
                                       step.name, step.version, previous));
        }
        previous = step.version;
    }
    return {};
}

// The version the database is at; zero before the first step.
asio::awaitable<result<std::int64_t>> current_version(postgres_lease& on, deadline by) {
    auto there = co_await on.query(std::string(history_exists), {}, by);
    if (!there) co_return failed("looking for the history of migrations", there.error());
    const auto exists = there->get<bool>(0, 0);
    if (!exists) co_return std::unexpected(exists.error());
    if (!*exists) {
        auto made = co_await on.query(std::string(create_history), {}, by);
        if (!made) co_return failed("creating the history of migrations", made.error());
        co_return 0;
    }
    auto newest =
        co_await on.query("SELECT coalesce(max(version), 0) FROM headroom_migrations", {}, by);
    if (!newest) co_return failed("reading the history of migrations", newest.error());
    co_return newest->get<std::int64_t>(0, 0);
}

asio::awaitable<result<void>> run_step(postgres_lease& on, transaction& within,
                                       const migration& step, deadline by) {
    auto ran = co_await on.script(step.sql, by);
    if (!ran) co_return std::unexpected(std::move(ran.error()));
    auto noted =
        co_await within.query("INSERT INTO headroom_migrations (version, name) VALUES ($1, $2)",
                              parameters(step.version, step.name), by);
    if (!noted) co_return std::unexpected(std::move(noted.error()));
    co_return co_await within.commit(by);
}

asio::awaitable<result<void>> apply(postgres_lease& on, const migration& step, deadline by) {
    const auto doing = fmt::format("step {} '{}'", step.version, step.name);
    auto begun = co_await on.begin(by);
    if (!begun) co_return failed(doing, begun.error());
    auto ran = co_await run_step(on, *begun, step, by);
    if (ran) co_return result<void>{};
    (void)co_await begun->rollback(by);
    co_return failed(doing, ran.error());
}

asio::awaitable<result<void>> apply_missing(postgres_lease& on, const std::vector<migration>& steps,
                                            deadline by) {
    const auto at = co_await current_version(on, by);
    if (!at) co_return std::unexpected(at.error());
    const int newest_known = steps.empty() ? 0 : steps.back().version;
    if (*at > newest_known) {
        co_return failure(
            postgres_errc::migration_failed,
            fmt::format("the database's schema is at version {}, but this program knows only {}: "
                        "start a newer release of it",
                        *at, newest_known));
    }
    for (const auto& step : steps) {
        if (step.version <= *at) continue;
        auto applied = co_await apply(on, step, by);
        if (!applied) co_return applied;
    }
    co_return result<void>{};
}

}  // namespace

asio::awaitable<result<void>> migrate_locked(postgres_lease& on, std::vector<migration> steps,
                                             deadline by) {
    if (auto ordered = check_order(steps); !ordered) co_return ordered;
    auto locked = co_await on.query("SELECT pg_advisory_lock($1)", parameters(lock_key), by);
    if (!locked) co_return failed("waiting for another process's migration", locked.error());

    auto applied = co_await apply_missing(on, steps, by);
    // Where this fails, the end of the connection unlocks.
    (void)co_await on.query("SELECT pg_advisory_unlock($1)", parameters(lock_key), by);
    co_return applied;
}

}  // namespace headroom::postgres
