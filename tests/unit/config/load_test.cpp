// SPDX-License-Identifier: Apache-2.0
// From the environment to settings, or to all faults at once.
#include "config/load.hpp"

#include "config/variable_table.hpp"
#include "configuration.hpp"

namespace headroom::config {
namespace {

using std::chrono::milliseconds;

TEST(Load, NeedsNothingAndThenUsesTheDefaults) {
    const settings of = accepted({});
    EXPECT_EQ(of.name_prefix, "chat");
    EXPECT_EQ(of.instance, "host-1");
    EXPECT_EQ(of.role, service_role::all);
    EXPECT_EQ(of.tenant, "home");
    EXPECT_EQ(of.project, "default");
    EXPECT_EQ(of.bundles, names{"echo"});
    EXPECT_EQ(of.bind, "127.0.0.1");
    EXPECT_EQ(of.app_port, 8010);
    EXPECT_EQ(of.admin_port, 8011);
    EXPECT_EQ(of.start_timeout, milliseconds(60'000));
    EXPECT_EQ(of.shutdown_budget, milliseconds(30'000));
    EXPECT_FALSE(of.session_secret);
    EXPECT_TRUE(of.redis.embedded);
    EXPECT_EQ(of.redis.connections_max, std::nullopt);
    EXPECT_EQ(of.redis.health_interval, milliseconds(5000));
    EXPECT_EQ(of.redis.health_timeout, milliseconds(2000));
    EXPECT_TRUE(of.postgres.embedded);
    EXPECT_EQ(of.postgres.pool_min, connection_count(0));
    EXPECT_EQ(of.postgres.pool_max, connection_count(5));
    EXPECT_EQ(of.capacity.concurrent_requests_per_process, 5U);
    EXPECT_EQ(of.capacity.processes_per_instance, worker_count(2));
    EXPECT_EQ(of.capacity.avg_processing_time, milliseconds(25'000));
    EXPECT_EQ(of.limits.max_queue_size, 1000U);
    EXPECT_EQ(of.limits.max_sse_connections_per_instance, 10'000U);
    EXPECT_EQ(of.limits.max_message_chars, 32'000U);
    EXPECT_TRUE(of.gateway_json.empty());
}

// The table writes defaults for people, settings.hpp for the compiler: they are the same.
TEST(Load, GivesTheSameForADefaultWrittenOut) {
    const settings unset = accepted({});
    environment written;
    for (const char* name : {"CHAT_ROLE",
                             "TENANT_ID",
                             "PROJECT_ID",
                             "REDIS_CLIENT_NAME",
                             "REDIS_HEALTHCHECK_INTERVAL_SEC",
                             "REDIS_HEALTHCHECK_TIMEOUT_SEC",
                             "PGPOOL_MIN_SIZE",
                             "CHAT_BIND",
                             "CHAT_APP_PORT",
                             "CHAT_ADMIN_PORT",
                             "CHAT_START_TIMEOUT_SEC",
                             "CHAT_SHUTDOWN_BUDGET_SEC",
                             "CHAT_BUNDLES",
                             "CHAT_EXECUTORS_MAX",
                             "CHAT_EXECUTOR_LAUNCHER",
                             "CHAT_EXECUTOR_UNSANDBOXED",
                             "CHAT_EXECUTOR_WALL_SEC",
                             "CHAT_EXECUTOR_CPU_SEC",
                             "CHAT_EXECUTOR_MEMORY_MB",
                             "CHAT_EXECUTOR_PROCESSES",
                             "CHAT_EXECUTOR_OUTPUT_KB",
                             "CHAT_EXECUTOR_FOLDER_MB"}) {
        const auto row = std::ranges::find(variables(), std::string_view(name), &variable::name);
        ASSERT_NE(row, variables().end()) << name;
        written.emplace(name, row->default_text);
    }
    const settings of = accepted(written);
    EXPECT_EQ(of.role, unset.role);
    EXPECT_EQ(of.tenant, unset.tenant);
    EXPECT_EQ(of.project, unset.project);
    EXPECT_EQ(of.name_prefix, unset.name_prefix);
    EXPECT_EQ(of.bind, unset.bind);
    EXPECT_EQ(of.app_port, unset.app_port);
    EXPECT_EQ(of.admin_port, unset.admin_port);
    EXPECT_EQ(of.start_timeout, unset.start_timeout);
    EXPECT_EQ(of.shutdown_budget, unset.shutdown_budget);
    EXPECT_EQ(of.bundles, unset.bundles);
    EXPECT_EQ(of.redis, unset.redis);
    EXPECT_EQ(of.postgres, unset.postgres);
    EXPECT_EQ(of.executor, unset.executor);
}

TEST(Load, TakesEmptyForUnset) {
    environment all_empty;
    for (const variable& row : variables())
        all_empty.emplace(row.name, "");
    const settings of = accepted(all_empty);
    EXPECT_EQ(of.app_port, 8010);
    EXPECT_TRUE(of.redis.embedded);
    EXPECT_TRUE(warns_of(of, "REDIS_MAX_CONNECTIONS is unset"));
}

TEST(Load, ReportsAllFaultsAtOnce) {
    const environment three{
        {"REDIS_MAX_CONNECTIONS", "ten"}, {"PGPOOL_MIN_SIZE", "9"}, {"PGPOOL_MAX_SIZE", "3"}};
    EXPECT_EQ(fault_names(three), (names{"REDIS_MAX_CONNECTIONS", "PGPOOL_MIN_SIZE"}));
    const auto refused = loaded(three);
    ASSERT_FALSE(refused);
    EXPECT_EQ(describe_faults(refused.error()),
              "The configuration has 2 faults; nothing was started.\n"
              "\n"
              "  REDIS_MAX_CONNECTIONS\n"
              "    found:    ten\n"
              "    expected: a whole number from 1 to 100000\n"
              "\n"
              "  PGPOOL_MIN_SIZE\n"
              "    found:    9\n"
              "    expected: at most the pool's maximum, which is 3\n"
              "    to do:    lower it, or raise PGPOOL_MAX_SIZE\n");
}

TEST(Load, FindsAFaultInEachVariableThatCanHaveOne) {
    const environment bad{{"CHAT_ROLE", "boss"},
                          {"TENANT_ID", "a b"},
                          {"PROJECT_ID", "{x}"},
                          {"REDIS_URL", "http://h"},
                          {"REDIS_MAX_CONNECTIONS", "-1"},
                          {"REDIS_HEALTHCHECK_INTERVAL_SEC", "0"},
                          {"REDIS_HEALTHCHECK_TIMEOUT_SEC", "2s"},
                          {"PGHOST", "db"},
                          {"PGPORT", "0"},
                          {"PGSSLMODE", "yes"},
                          {"POSTGRES_SSL", "maybe"},
                          {"PGPOOL_MAX_SIZE", "0"},
                          {"PGPOOL_MIN_SIZE", "1.5"},
                          {"CHAT_BIND", "everywhere"},
                          {"CHAT_APP_PORT", "65536"},
                          {"CHAT_ADMIN_PORT", "x"},
                          {"CHAT_START_TIMEOUT_SEC", "1e3"},
                          {"CHAT_SHUTDOWN_BUDGET_SEC", " 5"},
                          {"CHAT_SESSION_SECRET", "short"},
                          {"CHAT_BUNDLES", "echo,,clock"}};
    names expected;
    for (const auto& [name, value] : bad) {
        if (name != "PGHOST") expected.push_back(name);
    }
    names found = fault_names(bad);
    std::ranges::sort(found);
    EXPECT_EQ(found, expected);
}

TEST(Load, NeverRepeatsASecret) {
    const auto refused = loaded({{"CHAT_SESSION_SECRET", "hunter2"},
                                 {"REDIS_URL", "redis://me:hun@ter2@h:99999/0"},
                                 {"PGHOST", "db"},
                                 {"PGPASSWORD", "hunter2"},
                                 {"PGPORT", "x"}});
    ASSERT_FALSE(refused);
    const std::string report = describe_faults(refused.error());
    EXPECT_EQ(refused.error().size(), 3U);
    EXPECT_EQ(report.find("hun"), std::string::npos) << report;
    EXPECT_EQ(report.find("ter2"), std::string::npos) << report;
    EXPECT_NE(report.find("redis://***@h:99999/0"), std::string::npos) << report;

    const settings of = accepted({{"REDIS_URL", "redis://me:hunter2@h"},
                                  {"PGHOST", "db"},
                                  {"PGPASSWORD", "hunter2"},
                                  {"CHAT_SESSION_SECRET", "hunter2hunter2hunter2hunter2hunter2"}});
    for (const resolved_setting& one : of.resolved) {
        EXPECT_EQ(one.value.find("hunter2"), std::string::npos) << one.name;
    }
    for (const libpq_parameter& one : of.postgres.parameters)
        EXPECT_NE(one.value, "hunter2");
    EXPECT_EQ(of.postgres.password.reveal(), "hunter2");
}

TEST(Load, RefusesValuesThatAreTooLongOrHoldControlCharacters) {
    EXPECT_EQ(fault_names({{"PGHOST", std::string(5000, 'h')}}), names{"PGHOST"});
    EXPECT_EQ(fault_names({{"REDIS_CLIENT_NAME", "chat\n"}}), names{"REDIS_CLIENT_NAME"});
}

TEST(Load, TakesTheFirstNameThatIsNotEmpty) {
    EXPECT_EQ(accepted({{"SERVICE_NAME", "svc"}, {"APP_NAME", "app"}}).name_prefix, "svc");
    EXPECT_EQ(accepted({{"REDIS_CLIENT_NAME", ""}, {"APP_NAME", "app"}}).name_prefix, "app");
    EXPECT_EQ(accepted({{"REDIS_CLIENT_NAME", "r"}, {"SERVICE_NAME", "svc"}}).name_prefix, "r");
    EXPECT_EQ(accepted({{"INSTANCE_ID", "i-1"}, {"HOSTNAME", "h"}}).instance, "i-1");
    EXPECT_EQ(accepted({{"HOSTNAME", "h"}}).instance, "h");
}

TEST(Load, AcceptsFractionsOfASecond) {
    const settings of = accepted(
        {{"REDIS_HEALTHCHECK_INTERVAL_SEC", "0.25"}, {"REDIS_HEALTHCHECK_TIMEOUT_SEC", "1.005"}});
    EXPECT_EQ(of.redis.health_interval, milliseconds(250));
    EXPECT_EQ(of.redis.health_timeout, milliseconds(1005));
}

TEST(Load, ReadsBundlesBetweenCommas) {
    EXPECT_EQ(accepted({{"CHAT_BUNDLES", "echo,clock"}}).bundles, (names{"echo", "clock"}));
    EXPECT_EQ(fault_names({{"CHAT_BUNDLES", "echo,echo"}}), names{"CHAT_BUNDLES"});
    EXPECT_EQ(fault_names({{"CHAT_BUNDLES", "echo, clock"}}), names{"CHAT_BUNDLES"});
}

TEST(Load, RefusesOnePortForBothListenersUnlessTheSystemChooses) {
    EXPECT_EQ(fault_names({{"CHAT_APP_PORT", "9000"}, {"CHAT_ADMIN_PORT", "9000"}}),
              names{"CHAT_ADMIN_PORT"});
    EXPECT_EQ(fault_names({{"CHAT_APP_PORT", "8011"}}), names{"CHAT_APP_PORT"});
    EXPECT_EQ(fault_names({{"CHAT_APP_PORT", "0"}, {"CHAT_ADMIN_PORT", "0"}}), names{});
}

TEST(Load, SaysWhereEachValueCameFrom) {
    const settings of = accepted(
        {{"CHAT_APP_PORT", "9000"}, {"GATEWAY_CONFIG_JSON", R"({"pools":{"pg_pool_max_size":7},
                                      "limits":{"max_queue_size":3}})"}});
    const auto from = [&](std::string_view name) {
        const auto row = std::ranges::find(of.resolved, name, &resolved_setting::name);
        if (row == of.resolved.end()) return std::string("absent");
        return row->value + " from " + std::string(to_string(row->from));
    };
    EXPECT_EQ(from("CHAT_APP_PORT"), "9000 from environment");
    EXPECT_EQ(from("PGPOOL_MAX_SIZE"), "7 from gateway json");
    EXPECT_EQ(from("limits.max_queue_size"), "3 from gateway json");
    EXPECT_EQ(from("CHAT_ADMIN_PORT"), "8011 from built-in");
    EXPECT_EQ(from("pools.pg_pool_max_size"), "absent");
}

TEST(RedisSettings, AreUnboundedAndSayItWhenTheCapIsUnset) {
    EXPECT_TRUE(warns_of(accepted({}), "UNBOUNDED"));
    const settings capped = accepted({{"REDIS_MAX_CONNECTIONS", "6"}});
    EXPECT_EQ(capped.redis.connections_max, connection_count(6));
    EXPECT_FALSE(warns_of(capped, "UNBOUNDED"));
}

TEST(RedisSettings, NameTheNeedTermByTermWhenTheCapIsBelowIt) {
    const auto refused = loaded({{"REDIS_MAX_CONNECTIONS", "1"}});
    ASSERT_FALSE(refused);
    ASSERT_EQ(refused.error().size(), 1U);
    EXPECT_EQ(refused.error()[0].expected,
              "at least 2, because the pools need: async 2 (one for commands, one for the "
              "subscriber), async_decode 1 (one for commands), sync 1 (one for a thread)");
    EXPECT_EQ(fault_names({{"REDIS_MAX_CONNECTIONS", "2"}}), names{});
}

TEST(RedisSettings, AreBuiltFromTheirPartsWithoutAUrl) {
    const settings of = accepted({{"REDIS_HOST", "cache"},
                                  {"REDIS_PORT", "7000"},
                                  {"REDIS_USERNAME", "me"},
                                  {"REDIS_PASSWORD", "p@ss:w/rd"},
                                  {"REDIS_DB", "3"}});
    EXPECT_FALSE(of.redis.embedded);
    EXPECT_EQ(std::get<tcp_address>(of.redis.address), (tcp_address{"cache", 7000}));
    EXPECT_EQ(of.redis.username, "me");
    EXPECT_EQ(of.redis.password.reveal(), "p@ss:w/rd");
    EXPECT_EQ(of.redis.database, 3U);
}

TEST(RedisSettings, PreferTheUrlToTheParts) {
    // REDIS_PORT as Kubernetes sets it for a service named redis is no fault while it is not used.
    const settings of = accepted(
        {{"REDIS_URL", "redis://a"}, {"REDIS_HOST", "b"}, {"REDIS_PORT", "tcp://10.0.0.1:6379"}});
    EXPECT_EQ(std::get<tcp_address>(of.redis.address), (tcp_address{"a", 6379}));
    EXPECT_TRUE(warns_of(of, "REDIS_HOST"));
}

TEST(RedisSettings, RefuseAUserWithoutAPassword) {
    EXPECT_EQ(fault_names({{"REDIS_HOST", "cache"}, {"REDIS_USERNAME", "me"}}),
              names{"REDIS_PASSWORD"});
}

TEST(RedisSettings, SpeakTlsAndVerifyUnlessToldOtherwise) {
    const settings plain = accepted({{"REDIS_URL", "redis://cache"}});
    EXPECT_FALSE(plain.redis.tls);
    const settings of = accepted({{"REDIS_URL", "rediss://me:secret@cache:6380"}});
    EXPECT_EQ(of.redis.tls, redis_tls{});
    EXPECT_TRUE(of.redis.tls->verifies_peer);
    const settings open = accepted({{"REDIS_URL", "rediss://cache"}, {"REDIS_TLS_VERIFY", "0"}});
    EXPECT_FALSE(open.redis.tls->verifies_peer);
    EXPECT_TRUE(warns_of(open, "REDIS_TLS_VERIFY is false"));
}

TEST(RedisSettings, TakeTheFilesAndTheNameOfTls) {
    const settings of = accepted({{"REDIS_URL", "rediss://10.0.0.5"},
                                  {"REDIS_TLS_CA_FILE", "/etc/ca.pem"},
                                  {"REDIS_TLS_CERT_FILE", "/etc/own.pem"},
                                  {"REDIS_TLS_KEY_FILE", "/etc/own.key"},
                                  {"REDIS_TLS_SERVER_NAME", "cache.example"}},
                                 "readable");
    EXPECT_EQ(of.redis.tls, (redis_tls{.ca_file = "/etc/ca.pem",
                                       .certificate_file = "/etc/own.pem",
                                       .key_file = "/etc/own.key",
                                       .server_name = "cache.example"}));
}

TEST(RedisSettings, RefuseFilesOfTlsThatCannotBeUsed) {
    const environment by_tls{{"REDIS_URL", "rediss://cache"}};
    const auto with = [&](std::string name, std::string value) {
        auto all = by_tls;
        all[std::move(name)] = std::move(value);
        return all;
    };
    EXPECT_EQ(fault_names(with("REDIS_TLS_CA_FILE", "/none.pem")), names{"REDIS_TLS_CA_FILE"});
    EXPECT_EQ(fault_names(with("REDIS_TLS_CA_FILE", "ca.pem"), "readable"),
              names{"REDIS_TLS_CA_FILE"});
    EXPECT_EQ(fault_names(with("REDIS_TLS_CERT_FILE", "/a.pem"), "readable"),
              names{"REDIS_TLS_KEY_FILE"});
    EXPECT_EQ(fault_names(with("REDIS_TLS_KEY_FILE", "/a.key"), "readable"),
              names{"REDIS_TLS_CERT_FILE"});
    EXPECT_EQ(fault_names(with("REDIS_TLS_SERVER_NAME", "a/b")), names{"REDIS_TLS_SERVER_NAME"});
    EXPECT_EQ(fault_names(with("REDIS_TLS_VERIFY", "perhaps")), names{"REDIS_TLS_VERIFY"});
}

TEST(RedisSettings, RefuseOptionsOfTlsForAPlainServer) {
    for (const char* name : {"REDIS_TLS_CA_FILE", "REDIS_TLS_SERVER_NAME", "REDIS_TLS_VERIFY"}) {
        EXPECT_EQ(fault_names({{"REDIS_URL", "redis://cache"}, {name, "1"}}), names{name});
        EXPECT_EQ(fault_names({{"REDIS_HOST", "cache"}, {name, "1"}}), names{name});
        EXPECT_EQ(fault_names({{name, "1"}}), names{name});
    }
    // Of a URL that is refused nobody knows whether it was to be spoken to by TLS.
    EXPECT_EQ(fault_names({{"REDIS_URL", "rediss://a@b"}, {"REDIS_TLS_VERIFY", "1"}}),
              names{"REDIS_URL"});
}

TEST(RedisSettings, RefuseAHostThatIsAUrl) {
    EXPECT_EQ(fault_names({{"REDIS_HOST", "redis://cache"}}), names{"REDIS_HOST"});
}

TEST(RedisSettings, WarnOfPartsThatNameNoServer) {
    const settings of = accepted({{"REDIS_PORT", "7000"}});
    EXPECT_TRUE(of.redis.embedded);
    EXPECT_TRUE(warns_of(of, "REDIS_PORT has no effect"));
}

TEST(PostgresSettings, PreferTheNamesOfLibpqOneByOne) {
    const settings of = accepted({{"PGHOST", "a"},
                                  {"POSTGRES_HOST", "b"},
                                  {"POSTGRES_PORT", "6000"},
                                  {"POSTGRES_DATABASE", "shop"},
                                  {"PGUSER", "u"},
                                  {"POSTGRES_USER", "v"},
                                  {"POSTGRES_PASSWORD", "pw"},
                                  {"POSTGRES_SSL", "true"}});
    EXPECT_FALSE(of.postgres.embedded);
    EXPECT_EQ(of.postgres.parameters, (std::vector<libpq_parameter>{{"host", "a"},
                                                                    {"port", "6000"},
                                                                    {"dbname", "shop"},
                                                                    {"user", "u"},
                                                                    {"sslmode", "require"}}));
    EXPECT_EQ(of.postgres.password.reveal(), "pw");
}

TEST(PostgresSettings, PreferSslModeToTheFlag) {
    const settings of =
        accepted({{"PGHOST", "a"}, {"PGSSLMODE", "verify-full"}, {"POSTGRES_SSL", "true"}});
    EXPECT_EQ(of.postgres.parameters.back(), (libpq_parameter{"sslmode", "verify-full"}));
}

TEST(PostgresSettings, TakeOnePortOrOneForEachHost) {
    EXPECT_EQ(fault_names({{"PGHOST", "a,b"}, {"PGPORT", "1,2"}}), names{});
    EXPECT_EQ(fault_names({{"PGHOST", "a,b"}, {"PGPORT", "1"}}), names{});
    EXPECT_EQ(fault_names({{"PGHOST", "a,b"}, {"PGPORT", "1,2,3"}}), names{"PGPORT"});
    EXPECT_EQ(fault_names({{"PGHOST", "a,b"}, {"POSTGRES_PORT", "1,"}}), names{"POSTGRES_PORT"});
}

TEST(PostgresSettings, CapThePoolAtTheConcurrentRequestsOfAProcess) {
    const environment nine{
        {"GATEWAY_CONFIG_JSON", R"({"service_capacity":{"concurrent_requests_per_process":9}})"}};
    EXPECT_EQ(accepted(nine).postgres.pool_max, connection_count(9));
}

TEST(PostgresSettings, KeepTheFloorWithinTheCap) {
    EXPECT_EQ(fault_names({{"PGPOOL_MIN_SIZE", "6"}}), names{"PGPOOL_MIN_SIZE"});
    EXPECT_EQ(accepted({{"PGPOOL_MIN_SIZE", "5"}}).postgres.pool_min, connection_count(5));
    EXPECT_EQ(fault_names({{"PGPOOL_MIN_SIZE", "6"}, {"PGPOOL_MAX_SIZE", "x"}}),
              names{"PGPOOL_MAX_SIZE"});
}

}  // namespace
}  // namespace headroom::config
