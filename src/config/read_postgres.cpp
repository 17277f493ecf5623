// SPDX-License-Identifier: Apache-2.0
// The Postgres rows of the table: where the server is, and how large the pool may be.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "config/limits.hpp"
#include "config/reading.hpp"
#include "config/variable_readers.hpp"

namespace headroom::config {
namespace {

// One libpq keyword and the two variables that give it.
struct keyword_row {
    std::string_view keyword;
    std::string_view libpq_name;
    std::string_view other_name;
};

constexpr std::array<keyword_row, 4> keyword_rows{{
    {"host", "PGHOST", "POSTGRES_HOST"},
    {"port", "PGPORT", "POSTGRES_PORT"},
    {"dbname", "PGDATABASE", "POSTGRES_DATABASE"},
    {"user", "PGUSER", "POSTGRES_USER"},
}};
constexpr keyword_row password_row{"password", "PGPASSWORD", "POSTGRES_PASSWORD"};

constexpr std::array<std::string_view, 6> ssl_modes{"disable", "allow",     "prefer",
                                                    "require", "verify-ca", "verify-full"};

std::string_view name_given(const reading& run, const keyword_row& row) {
    return run.is_set(row.libpq_name) ? row.libpq_name : row.other_name;
}

// libpq takes a list of hosts, and one port for all or a port for each.
void check_ports(reading& run, std::string_view name, std::string_view value, std::size_t hosts) {
    const number_range range{.min = 1, .max = 65535};
    const auto ports = split(value, ',');
    const bool are_numbers = std::ranges::all_of(
        ports, [&](std::string_view one) { return parse_whole_number(one, range).has_value(); });
    if (!are_numbers) {
        run.note_fault(name, describe(range) + ", or several with commas");
    } else if (ports.size() != 1 && ports.size() != hosts) {
        run.note_fault(name, fmt::format("one port, or as many as there are hosts ({})", hosts));
    }
}

void read_ssl(reading& run, std::vector<libpq_parameter>& parameters) {
    const auto wants_ssl = run.flag("POSTGRES_SSL");
    if (const auto mode = run.text("PGSSLMODE")) {
        if (std::ranges::find(ssl_modes, *mode) == ssl_modes.end()) {
            run.note_fault("PGSSLMODE", fmt::format("one of {}", fmt::join(ssl_modes, ", ")));
        } else {
            parameters.push_back({"sslmode", std::string(*mode)});
        }
    } else if (wants_ssl.value_or(false)) {
        parameters.push_back({"sslmode", "require"});
    }
}

void warn_of_unused(reading& run) {
    const auto warn_when_set = [&](std::string_view name) {
        if (!run.is_set(name)) return;
        run.warn(
            fmt::format("{} has no effect, because neither PGHOST nor POSTGRES_HOST names a "
                        "server: the embedded one is used",
                        name));
    };
    for (const keyword_row& row : keyword_rows) {
        warn_when_set(row.libpq_name);
        warn_when_set(row.other_name);
    }
    for (const auto name : {"PGPASSWORD", "PGSSLMODE", "POSTGRES_PASSWORD", "POSTGRES_SSL"}) {
        warn_when_set(name);
    }
}

}  // namespace

void read_postgres_address(reading& run) {
    postgres_settings& postgres = run.to.out.postgres;
    const auto host = run.text(name_given(run, keyword_rows[0]));
    if (!host) return warn_of_unused(run);

    postgres.embedded = false;
    for (const keyword_row& row : keyword_rows) {
        const std::string_view name = name_given(run, row);
        const auto value = run.text(name);
        if (!value) continue;
        if (row.keyword == "port") check_ports(run, name, *value, split(*host, ',').size());
        postgres.parameters.push_back({std::string(row.keyword), std::string(*value)});
    }
    read_ssl(run, postgres.parameters);
    postgres.password = secret(std::string(run.text(name_given(run, password_row)).value_or("")));
}

void read_postgres_pool_max(reading& run) {
    if (const auto number = run.whole_number("PGPOOL_MAX_SIZE", pg_pool_max_range)) {
        run.to.pg_pool_max = connection_count(*number);
    }
    run.to.out.postgres.pool_max = run.to.pg_pool_max.value_or(
        connection_count(run.to.out.capacity.concurrent_requests_per_process));
}

void read_postgres_pool_min(reading& run) {
    constexpr std::string_view variable = "PGPOOL_MIN_SIZE";
    postgres_settings& postgres = run.to.out.postgres;
    if (const auto number = run.whole_number(variable, pg_pool_min_range)) {
        postgres.pool_min = connection_count(*number);
    }
    // A fault in the maximum would make this comparison a second report of the same mistake.
    if (run.has_fault(variable) || run.has_fault("PGPOOL_MAX_SIZE")) return;
    const bool are_both_here = run.is_set(variable) && run.is_set("PGPOOL_MAX_SIZE");
    if (run.document_is_faulty && !are_both_here) return;
    if (postgres.pool_min <= postgres.pool_max) return;
    const auto key = run.from_document.find(variable);
    const bool is_from_document = !run.is_set(variable) && key != run.from_document.end();
    run.note_fault({.name = is_from_document ? key->second.path : std::string(variable),
                    .found = fmt::format("{}", postgres.pool_min.value()),
                    .expected = fmt::format("at most the pool's maximum, which is {}",
                                            postgres.pool_max.value()),
                    .advice = "lower it, or raise PGPOOL_MAX_SIZE"});
}

}  // namespace headroom::config
