// SPDX-License-Identifier: Apache-2.0
#include "config/gateway_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "config/gateway_document.hpp"
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
         if (const auto n = field.whole_number({.min = 1, .max = 512})) {
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

constexpr std::array<std::string_view, 2> role_names{"ingress", "proc"};

bool is_role(std::string_view key) {
    return std::ranges::find(role_names, key) != role_names.end();
}

// Least specific first: what is applied later wins.
std::vector<std::string_view> roles_of(service_role role) {
    switch (role) {
        case service_role::ingress:
            return {"ingress"};
        case service_role::proc:
            return {"proc"};
        case service_role::all:
            break;
    }
    return {"ingress", "proc"};
}

std::string joined(std::string_view a, std::string_view b) {
    return a.empty() ? std::string(b) : fmt::format("{}.{}", a, b);
}

const json::value* at_path(const json::object& root, std::string_view path) {
    const json::object* inside = &root;
    const json::value* found = nullptr;
    for (const std::string_view key : split(path, '.')) {
        if (inside == nullptr) return nullptr;
        found = inside->if_contains(key);
        if (found == nullptr) return nullptr;
        inside = found->if_object();
    }
    return found;
}

std::string shown(const json::value& value) {
    return printable_excerpt(json::serialize(value), 60);
}

class document_reader {
public:
    document_reader(reading& run, const json::object& root) : run_(run), root_(root) {}

    void read_all() {
        for (const document_key& row : table) {
            if (row.section.empty()) {
                apply(row, std::string(row.key), run_.to);
                continue;
            }
            apply(row, joined(row.section, row.key), run_.to);
            const auto ours = roles_of(run_.to.out.role);
            for (const std::string_view role : role_names) {
                // What is meant for the other role is checked, and then forgotten.
                draft forgotten;
                draft& to = std::ranges::find(ours, role) != ours.end() ? run_.to : forgotten;
                apply(row, fmt::format("{}.{}.{}", role, row.section, row.key), to);
                apply(row, fmt::format("{}.{}.{}", row.section, role, row.key), to);
            }
        }
        check_keys(root_, "", "", /*in_role=*/false);
    }

private:
    void apply(const document_key& row, std::string path, draft& to) {
        const json::value* const value = at_path(root_, path);
        if (value == nullptr || value->is_null()) return;
        const bool is_ours = &to == &run_.to;
        row.apply(to, {.value = *value, .path = path, .run = run_});
        if (!is_ours) return;
        const std::string name =
            row.variable.empty() ? joined(row.section, row.key) : std::string(row.variable);
        run_.from_document.insert_or_assign(
            name, document_value{.path = std::move(path), .text = shown(*value)});
    }

    // Unknown keys are a warning, as an older or newer version may know them; a section that is no
    // mapping is a fault.
    void check_keys(const json::object& mapping, const std::string& path, std::string_view section,
                    bool in_role) {
        for (const auto& [key, value] : mapping) {
            const std::string here = joined(path, key);
            if (is_role(key) && !in_role) {
                check_inside(value, here, section, /*in_role=*/true);
            } else if (section.empty() && is_section(key)) {
                check_inside(value, here, key, in_role);
            } else if (!is_key(section, key) || (section.empty() && in_role)) {
                run_.warn(fmt::format("gateway document: {} is not known and has no effect",
                                      printable_excerpt(here)));
            }
        }
    }

    void check_inside(const json::value& value, const std::string& path, std::string_view section,
                      bool in_role) {
        if (const json::object* const mapping = value.if_object()) {
            check_keys(*mapping, path, section, in_role);
        } else if (!value.is_null()) {
            run_.note_fault({.name = path,
                             .found = shown(value),
                             .expected = "a mapping of settings",
                             .advice = "indent the section's keys below its name"});
        }
    }

    static bool is_section(std::string_view key) {
        return std::ranges::find(table, key, &document_key::section) != table.end();
    }

    static bool is_key(std::string_view section, std::string_view key) {
        return std::ranges::any_of(table, [&](const document_key& row) {
            return row.section == section && row.key == key;
        });
    }

    reading& run_;
    const json::object& root_;
};

// The text of the document and how to name it in faults; empty when there is none, or a fault was
// noted.
std::optional<json::object> parsed_document(reading& run) {
    const auto advice = "mend the document, or unset the variable to use the defaults";
    if (const auto text = run.text(gateway_json_variable)) {
        if (run.is_set(gateway_yaml_variable)) {
            run.warn("GATEWAY_YAML_PATH is ignored, because GATEWAY_CONFIG_JSON is set");
        }
        run.document_origin = origin::gateway_json;
        auto tree = parse_gateway_json(*text);
        if (tree) return std::move(*tree);
        run.note_fault({.name = std::string(gateway_json_variable),
                        .found = tree.error(),
                        .expected = "a JSON object",
                        .advice = advice});
        return std::nullopt;
    }
    const auto path = run.text(gateway_yaml_variable);
    if (!path || run.has_fault(gateway_json_variable)) return std::nullopt;

    run.document_origin = origin::gateway_yaml;
    const auto file = run.from().read_file(std::string(*path));
    if (!file) {
        run.note_fault(gateway_yaml_variable,
                       fmt::format("a file that can be read ({})", file.error().what()), advice);
        return std::nullopt;
    }
    auto tree = parse_gateway_yaml(*file);
    if (tree) return std::move(*tree);
    run.note_fault({.name = std::string(gateway_yaml_variable),
                    .found = fmt::format("{}: {}", printable_excerpt(*path), tree.error()),
                    .expected = "a YAML mapping",
                    .advice = advice});
    return std::nullopt;
}

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

void document_field::note_fault(std::string expected) const {
    run.note_fault({.name = path,
                    .found = shown(value),
                    .expected = std::move(expected),
                    .advice = "correct it in the gateway document"});
}

std::span<const document_key> document_keys() {
    return table;
}

void read_gateway_document(reading& run) {
    const std::size_t faults_before = run.all_faults().size();
    const auto root = parsed_document(run);
    if (root) {
        document_reader(run, *root).read_all();
        run.to.out.gateway_json = json::serialize(*root);
    }
    // Without a known role it is not known either which part of the document counts.
    run.document_is_faulty = run.all_faults().size() > faults_before ||
                             run.has_fault("CHAT_ROLE") || run.has_fault(gateway_json_variable) ||
                             run.has_fault(gateway_yaml_variable);
}

}  // namespace headroom::config
