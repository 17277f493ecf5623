// SPDX-License-Identifier: Apache-2.0
// The readers that the table of variables names, where reading takes more than one line.
#pragma once

namespace headroom::config {

class reading;

void read_redis_address(reading& run);      // REDIS_URL, or REDIS_HOST and its companions
void read_redis_tls(reading& run);          // all REDIS_TLS_*
void read_redis_connections(reading& run);  // REDIS_MAX_CONNECTIONS against the service's need
void read_name_prefix(reading& run);        // REDIS_CLIENT_NAME, SERVICE_NAME, APP_NAME
void read_instance(reading& run);           // INSTANCE_ID, HOSTNAME, the host's name
void read_postgres_address(reading& run);   // PGHOST … PGSSLMODE, POSTGRES_*
void read_postgres_pool_max(reading& run);  // PGPOOL_MAX_SIZE
void read_postgres_pool_min(reading& run);  // PGPOOL_MIN_SIZE against the maximum
void read_role(reading& run);
void read_bundles(reading& run);
void read_bind(reading& run);
void read_admin_port(reading& run);
void read_session_secret(reading& run);
void read_executor(reading& run);         // CHAT_EXECUTORS_MAX and all CHAT_EXECUTOR_*
void read_bundle_settings(reading& run);  // CHAT_BUNDLE_<NAME>_<KEY>

}  // namespace headroom::config
