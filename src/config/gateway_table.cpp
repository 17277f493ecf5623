// SPDX-License-Identifier: Apache-2.0
#include "config/gateway_table.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace headroom::config {
namespace {

namespace json = boost::json;

using std::chrono::milliseconds;

using std::chrono::milliseconds;

void set_tenant(draft& to, const document_field& field) {
    if (auto name = field.plain_name()) to.out.tenant = std::move(*name);
}

void set_project(draft& to, const document_field& field) {
    if (auto name = field.plain_name()) to.out.project = std::move(*name);
}

// Of two rows for one variable the later wins.
constexpr std::array<document_key, 13> table{{
    {"", "tenant_id", "TENANT_ID", "home", "key scope", set_tenant},
    {"", "tenant", "TENANT_ID", "home", "the same; wins over `tenant_id`", set_tenant},
    {"", "project_id", "PROJECT_ID", "default", "key scope", set_project},
    {"", "project", "PROJECT_ID", "default", "the same; wins over `project_id`", set_project},
    {"service_capacity", "concurrent_requests_per_process", "", "5",
     "turns a worker runs at the same time; also the default of `PGPOOL_MAX_SIZE`",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number({.min = 1, .max = 10'000})) {
             to.out.capacity.concurrent_requests_per_process = *n;
         }
     }},
    {"service_capacity", "processes_per_instance", "", "2", "workers of one instance",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number(processes_per_instance_range)) {
             to.out.capacity.processes_per_instance = worker_count(*n);
         }
     }},
    {"service_capacity", "avg_processing_time_seconds", "", "25",
     "how long a turn takes; what Retry-After is computed from",
     [](draft& to, const document_field& field) {
         const seconds_range range{.min = milliseconds(1), .max = std::chrono::hours(24)};
         if (const auto span = field.seconds(range)) to.out.capacity.avg_processing_time = *span;
     }},
    {"pools", "redis_max_connections", "REDIS_MAX_CONNECTIONS", "unset",
     "caps each Redis pool of a process",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number(redis_connections_range)) {
             to.out.redis.connections_max = connection_count(*n);
         }
     }},
    {"pools", "pg_pool_min_size", "PGPOOL_MIN_SIZE", "0", "floor of the Postgres pool of a process",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number(pg_pool_min_range)) {
             to.out.postgres.pool_min = connection_count(*n);
         }
     }},
    {"pools", "pg_pool_max_size", "PGPOOL_MAX_SIZE", "`concurrent_requests_per_process`",
     "hard cap of the Postgres pool of a process",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number(pg_pool_max_range)) {
             to.pg_pool_max = connection_count(*n);
         }
     }},
    {"limits", "max_queue_size", "", "1000", "queued turns; beyond it 503 with Retry-After",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number({.min = 1, .max = 1'000'000})) {
             to.out.limits.max_queue_size = *n;
         }
     }},
    {"limits", "max_sse_connections_per_instance", "", "10000",
     "open streams; beyond it 429 with Retry-After",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number({.min = 1, .max = 1'000'000})) {
             to.out.limits.max_sse_connections_per_instance = *n;
         }
     }},
    {"limits", "max_message_chars", "", "32000", "length of one message of a person",
     [](draft& to, const document_field& field) {
         if (const auto n = field.whole_number({.min = 1, .max = 1'000'000})) {
             to.out.limits.max_message_chars = *n;
         }
     }},
}};

}  // namespace

std::optional<std::uint64_t> document_field::whole_number(number_range range) const {
    std::uint64_t number = 0;
    bool is_number = false;
    if (const std::int64_t* const whole = value.if_int64()) {
        is_number = *whole >= 0;
        number = static_cast<std::uint64_t>(*whole);
    } else if (const std::uint64_t* const large = value.if_uint64()) {
        is_number = true;
        number = *large;
    }
    if (is_number && number >= range.min && number <= range.max) return number;
    note_fault(describe(range));
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> document_field::seconds(seconds_range range) const {
    if (value.is_number()) {
        const double thousandths = std::round(value.to_number<double>() * 1000.0);
        if (thousandths >= static_cast<double>(range.min.count()) &&
            thousandths <= static_cast<double>(range.max.count())) {
            return std::chrono::milliseconds(static_cast<std::int64_t>(thousandths));
        }
    }
    note_fault(describe(range));
    return std::nullopt;
}

std::optional<std::string> document_field::plain_name() const {
    if (const json::string* const text = value.if_string()) {
        if (is_plain_name(*text)) return std::string(*text);
    }
    note_fault(std::string(plain_name_description));
    return std::nullopt;
}

std::string document_field::shown() const {
    return printable_excerpt(json::serialize(value), 60);
}

void document_field::note_fault(std::string expected) const {
    run.note_fault({.name = path,
                    .found = shown(),
                    .expected = std::move(expected),
                    .advice = "correct it in the gateway document"});
}

std::span<const document_key> document_keys() {
    return table;
}

}  // namespace headroom::config
