// SPDX-License-Identifier: Apache-2.0
#include "config/variable_table.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/bundle_variable.hpp"
#include "config/gateway_table.hpp"
#include "config/reading.hpp"
#include "config/variable_readers.hpp"

namespace headroom::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds_range health_range{.min = milliseconds(50), .max = hours(1)};
constexpr seconds_range lifecycle_range{.min = milliseconds(100), .max = hours(1)};

constexpr std::array table{
    variable{"CHAT_ROLE", "all",
             "what this service runs: `all`, `ingress` (requests and streams) or "
             "`proc` (turns)",
             exposure::plain, read_role},
    variable{"GATEWAY_CONFIG_JSON", "built-in", "the gateway document as JSON", exposure::hidden,
             read_gateway_document},
    variable{"GATEWAY_YAML_PATH", "built-in",
             "the gateway document as a YAML file; "
             "`GATEWAY_CONFIG_JSON` wins"},
    variable{"TENANT_ID", "home", "key scope; wins over the document", exposure::plain,
             [](reading& run) {
                 if (auto name = run.plain_name("TENANT_ID")) run.to.out.tenant = *name;
             }},
    variable{"PROJECT_ID", "default", "key scope; wins over the document", exposure::plain,
             [](reading& run) {
                 if (auto name = run.plain_name("PROJECT_ID")) run.to.out.project = *name;
             }},

    variable{"REDIS_URL", "embedded server",
             "`redis://`, `rediss://` (TLS), `redis+sentinel://` (docs/sentinel.md) or "
             "`unix://`; else built from the next five",
             exposure::url, read_redis_address},
    variable{"REDIS_HOST", "embedded server", "name or address"},
    variable{"REDIS_PORT", "6379", "port of `REDIS_HOST`"},
    variable{"REDIS_USERNAME", "the default user", "ACL user"},
    variable{"REDIS_PASSWORD", "none", "password", exposure::hidden},
    variable{"REDIS_DB", "0", "number of the database"},
    variable{"REDIS_SENTINEL_USERNAME", "the default user",
             "ACL user of the sentinels that `REDIS_URL` names"},
    variable{"REDIS_SENTINEL_PASSWORD", "none", "their password; that of the servers is in the URL",
             exposure::hidden},
    variable{"REDIS_TLS_CA_FILE", "the system's",
             "authorities that `rediss://` trusts: absolute path, PEM. This and the next four "
             "rows need a `REDIS_URL` of that scheme",
             exposure::plain, read_redis_tls},
    variable{"REDIS_TLS_CERT_FILE", "none",
             "our certificate, for servers that ask for one: absolute path, PEM"},
    variable{"REDIS_TLS_KEY_FILE", "none", "its key: absolute path, PEM, without a passphrase"},
    variable{"REDIS_TLS_SERVER_NAME", "the host of `REDIS_URL`",
             "name or address the server's certificate must be for"},
    variable{"REDIS_TLS_VERIFY", "true",
             "`false`: any certificate is accepted, and whoever stands between reads all"},
    variable{
        "REDIS_MAX_CONNECTIONS", "unset",
        "caps **each** Redis pool of a process. Unset or empty: "
        "unbounded, said at start. Below what the service needs (async 2, async_decode 1, sync 1): "
        "refused",
        exposure::plain, read_redis_connections},
    variable{"REDIS_CLIENT_NAME", "chat", "first part of every connection's name", exposure::plain,
             read_name_prefix},
    variable{"SERVICE_NAME", "chat", "the same, when `REDIS_CLIENT_NAME` is empty"},
    variable{"APP_NAME", "chat", "the same, when `SERVICE_NAME` is empty too"},
    variable{"INSTANCE_ID", "the host's name", "second part of every connection's name",
             exposure::plain, read_instance},
    variable{"HOSTNAME", "the host's name", "the same, when `INSTANCE_ID` is empty"},
    variable{
        "REDIS_HEALTHCHECK_INTERVAL_SEC", "5", "how often the health monitor asks", exposure::plain,
        [](reading& run) {
            if (const auto span = run.seconds("REDIS_HEALTHCHECK_INTERVAL_SEC", health_range)) {
                run.to.out.redis.health_interval = *span;
            }
        }},
    variable{"REDIS_HEALTHCHECK_TIMEOUT_SEC", "2",
             "how long the health monitor waits for an answer", exposure::plain,
             [](reading& run) {
                 if (const auto span = run.seconds("REDIS_HEALTHCHECK_TIMEOUT_SEC", health_range)) {
                     run.to.out.redis.health_timeout = *span;
                 }
             }},

    variable{"PGHOST", "embedded server",
             "name, address or folder of the socket; several with commas", exposure::plain,
             read_postgres_address},
    variable{"PGPORT", "5432", "port of `PGHOST`"},
    variable{"PGDATABASE", "the user's name", "database"},
    variable{"PGUSER", "the system user", "user"},
    variable{"PGPASSWORD", "none", "password", exposure::hidden},
    variable{"PGSSLMODE", "prefer",
             "`disable`, `allow`, `prefer`, `require`, `verify-ca` or "
             "`verify-full`"},
    variable{"POSTGRES_HOST", "embedded server", "the same as `PGHOST`, which wins"},
    variable{"POSTGRES_PORT", "5432", "the same as `PGPORT`, which wins"},
    variable{"POSTGRES_DATABASE", "the user's name", "the same as `PGDATABASE`, which wins"},
    variable{"POSTGRES_USER", "the system user", "the same as `PGUSER`, which wins"},
    variable{"POSTGRES_PASSWORD", "none", "the same as `PGPASSWORD`, which wins", exposure::hidden},
    variable{"POSTGRES_SSL", "false", "`true` means `sslmode=require`; `PGSSLMODE` wins"},
    variable{"PGPOOL_MAX_SIZE", "`concurrent_requests_per_process`",
             "hard cap of the Postgres pool of a process", exposure::plain, read_postgres_pool_max},
    variable{"PGPOOL_MIN_SIZE", "0",
             "a floor that holds, also after breakage; above the maximum: refused", exposure::plain,
             read_postgres_pool_min},

    variable{"CHAT_BIND", "127.0.0.1", "IP address of the public listener", exposure::plain,
             read_bind},
    variable{"CHAT_APP_PORT", "8010", "port of the public listener; 0: the system chooses",
             exposure::plain,
             [](reading& run) {
                 if (const auto port =
                         run.whole_number("CHAT_APP_PORT", {.min = 0, .max = 65535})) {
                     run.to.out.app_port = static_cast<std::uint16_t>(*port);
                 }
             }},
    variable{"CHAT_ADMIN_PORT", "8011",
             "port of the admin listener, on loopback only; 0: the system "
             "chooses",
             exposure::plain, read_admin_port},
    variable{"CHAT_START_TIMEOUT_SEC", "60", "bound of the start", exposure::plain,
             [](reading& run) {
                 if (const auto span = run.seconds("CHAT_START_TIMEOUT_SEC", lifecycle_range)) {
                     run.to.out.start_timeout = *span;
                 }
             }},
    variable{"CHAT_SHUTDOWN_BUDGET_SEC", "30", "bound of the stop", exposure::plain,
             [](reading& run) {
                 if (const auto span = run.seconds("CHAT_SHUTDOWN_BUDGET_SEC", lifecycle_range)) {
                     run.to.out.shutdown_budget = *span;
                 }
             }},
    variable{"CHAT_SESSION_SECRET", "made at start",
             "signs session ids; at least 32 characters. Unset: "
             "made and kept with the embedded data, else random at each start",
             exposure::hidden, read_session_secret},
    variable{"CHAT_BUNDLES", "echo", "bundles switched on, with commas", exposure::plain,
             read_bundles},
    variable{bundle_variable_pattern, "the bundle's",
             "one setting of a bundle, both names in capitals, `_` for what is no letter or digit: "
             "`CHAT_BUNDLE_MY_GREETER_WORD`. At most 256 of 4096 bytes, no control characters; "
             "shown hidden when KEY ends in KEY, SECRET, TOKEN or PASSWORD. One that no bundle "
             "knows ends the start",
             exposure::plain, read_bundle_settings},

    variable{"CHAT_EXECUTORS_MAX", "4",
             "executors of a worker that run at the same time, 1 to 1000; more wait in order. Each "
             "is at most one Redis connection. These rows count when `CHAT_BUNDLES` names `code`",
             exposure::plain, read_executor},
    variable{"CHAT_EXECUTOR_LAUNCHER", "child",
             "where they run: `child` (a process of this host behind bubblewrap) or `docker`, for "
             "which Redis needs an address"},
    variable{"CHAT_EXECUTOR_UNSANDBOXED", "false",
             "`true`: where bubblewrap cannot be used, code runs without it instead of being "
             "refused"},
    variable{"CHAT_EXECUTOR_DOCKER_IMAGE", "none", "image of the launcher `docker`; it needs one"},
    variable{"CHAT_EXECUTOR_DOCKER_NETWORK", "none",
             "its network, in which Redis is reached; unset: none, and code's events are refused"},
    variable{"CHAT_EXECUTOR_WALL_SEC", "60", "how long one execution may take, 0.1 to 3600"},
    variable{"CHAT_EXECUTOR_CPU_SEC", "30",
             "processor time of all its processes together, 0.1 to 36000"},
    variable{"CHAT_EXECUTOR_MEMORY_MB", "512",
             "memory of all its processes together in MiB, 16 to 1048576"},
    variable{"CHAT_EXECUTOR_PROCESSES", "64",
             "its processes and threads at the same time, 1 to 10000"},
    variable{"CHAT_EXECUTOR_OUTPUT_KB", "256",
             "KiB kept of its standard output and of its standard error, 1 to 65536 each"},
    variable{"CHAT_EXECUTOR_FOLDER_MB", "256",
             "what it may write into its folders in MiB, 1 to 1048576"},
};

constexpr std::array internal_table{
    variable{"HEADROOM_WORKER_INDEX", "unset", "number of this worker"},
    variable{"HEADROOM_LISTEN_FD", "unset", "descriptor of the public listener"},
    variable{"HEADROOM_STATUS_FD", "unset", "descriptor of the socket to the supervisor"},
};

}  // namespace

std::span<const variable> variables() {
    return table;
}

std::span<const variable> internal_variables() {
    return internal_table;
}

std::string shown_value(std::string_view name, std::string_view value) {
    if (is_secret_bundle_variable(name)) return "(hidden)";
    const auto row = std::ranges::find(table, name, &variable::name);
    const exposure shown = row == table.end() ? exposure::plain : row->shown;
    switch (shown) {
        case exposure::hidden:
            return "(hidden)";
        case exposure::url:
            return printable_excerpt(mask_url(value));
        case exposure::plain:
            break;
    }
    return printable_excerpt(value);
}

std::string environment_markdown() {
    std::string page =
        "<!-- Written from src/config/variable_table.cpp and gateway_table.cpp; do not edit.\n"
        "     Renew: HEADROOM_WRITE_DOCS=1 build/debug/bin/unit_config "
        "--gtest_filter='EnvironmentDocs.*' -->\n\n"
        "# Environment\n\n"
        "Empty means unset. A bad value ends the start with exit code 2 and a report of all "
        "faults.\n"
        "Seconds may have decimal places. Secrets appear in no log and no error.\n\n"
        "| variable | default | meaning |\n|---|---|---|\n";
    for (const variable& row : table) {
        page += fmt::format("| `{}` | {} | {} |\n", row.name, row.default_text, row.meaning);
    }
    page +=
        "\nlibpq reads further `PG*` variables itself, `PGSSLROOTCERT` for example.\n\n"
        "## Gateway document\n\n"
        "Keys stand flat in their section, or under `ingress` and `proc`, either inside the "
        "section\n"
        "(`pools.proc.pg_pool_max_size`) or around it (`proc.pools.pg_pool_max_size`). A process "
        "of role\n"
        "`ingress` or `proc` prefers its own over the flat ones; role `all` prefers `proc`, then\n"
        "`ingress`. Of the two places, inside the section wins. Unknown keys are a warning at "
        "start;\n"
        "wrong types and values out of range are faults, also below the role that is not run.\n\n"
        "| key | default | meaning | environment, which wins |\n|---|---|---|---|\n";
    for (const document_key& row : document_keys()) {
        const std::string key =
            row.section.empty() ? std::string(row.key) : fmt::format("{}.{}", row.section, row.key);
        const std::string wins = row.variable.empty() ? "" : fmt::format("`{}`", row.variable);
        page += fmt::format("| `{}` | {} | {} | {} |\n", key, row.default_text, row.meaning, wins);
    }
    page +=
        "\n## Internal\n\nSet by the supervisor for its workers; set by nobody else.\n\n"
        "| variable | meaning |\n|---|---|\n";
    for (const variable& row : internal_table) {
        page += fmt::format("| `{}` | {} |\n", row.name, row.meaning);
    }
    return page;
}

}  // namespace headroom::config
