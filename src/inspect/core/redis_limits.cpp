// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/redis_limits.hpp"

#include "base/text.hpp"

namespace headroom::inspect {

std::string_view to_string(maxclients_source source) {
    switch (source) {
        case maxclients_source::info:
            return "INFO clients";
        case maxclients_source::config:
            return "CONFIG GET";
        case maxclients_source::unknown:
            return "unknown";
    }
    return "unknown";
}

bool redis_limits::is_elasticache() const {
    return os.find("ElastiCache") != std::string::npos;
}

budget::limit redis_limits::as_budget_limit() const {
    budget::limit as;
    if (maxclients) as.server = connection_count(*maxclients);
    if (connected) as.in_use = connection_count(*connected + replicas.value_or(0));
    return as;
}

void read_info(redis_limits& to, const redis_info& from) {
    to.version = printable_excerpt(from.text("redis_version").value_or(""));
    if (const auto valkey = from.text("valkey_version"))
        to.version = "Valkey " + printable_excerpt(*valkey);
    to.os = printable_excerpt(from.text("os").value_or(""));
    to.role = printable_excerpt(from.text("role").value_or(""));
    to.uptime_seconds = from.number("uptime_in_seconds");
    to.maxclients = from.number("maxclients");  // since Redis 7.0
    if (to.maxclients) to.source = maxclients_source::info;
    to.connected = from.number("connected_clients");
    if (to.connected && *to.connected > 0) --*to.connected;  // ours
    to.replicas = from.number("connected_slaves");
    to.blocked = from.number("blocked_clients");
    to.pubsub = from.number("pubsub_clients");  // since Redis 7.4
    to.rejected = from.number("rejected_connections");
    to.received = from.number("total_connections_received");
}

}  // namespace headroom::inspect
