// SPDX-License-Identifier: Apache-2.0
#include "headroom/holders_report.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "headroom/asked.hpp"
#include "headroom/document.hpp"
#include "headroom/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;
using inspect::group_field;
using inspect::holder_group;
using inspect::name_origin;
using inspect::server_kind;

// A service's column tells also whose connections have no service.
std::string shown_part(const holder_group& of, std::size_t index, group_field field) {
    const auto& part = of.key[index];
    if (field == group_field::service) {
        if (of.origin == name_origin::unnamed) return "(unnamed)";
        if (of.origin == name_origin::foreign) return "(foreign) " + printable_excerpt(part);
    }
    return part.empty() ? "-" : printable_excerpt(part);
}

std::string upper(std::string_view word) {
    std::string out;
    for (const char c : word)
        out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

column column_of(group_field field) {
    switch (field) {
        case group_field::service:
        case group_field::instance:
        case group_field::address:
        case group_field::user:
            return {.header = upper(to_string(field)), .width_min = 8};
        case group_field::process:
            return {.header = "PID", .to = align::right};
        case group_field::state:
            return {.header = "STATE", .width_min = 6};
        case group_field::kind:
            return {.header = "KIND"};
    }
    return {};
}

table new_table(const holders_report& of) {
    std::vector<column> columns;
    for (const auto field : of.groups.by())
        columns.push_back(column_of(field));
    if (of.has_redis) columns.push_back({.header = "REDIS", .to = align::right});
    if (of.has_postgres) columns.push_back({.header = "PG", .to = align::right});
    columns.push_back({.header = "AGE", .to = align::right});
    columns.push_back({.header = "IDLE", .to = align::right});
    if (of.has_postgres) columns.push_back({.header = "IN TX", .to = align::right});
    if (of.has_redis) columns.push_back({.header = "OUTBUF", .to = align::right});
    columns.push_back({.header = "LAST", .width_min = 8});
    return table(std::move(columns));
}

json::object counts_of(const holders_report& of, server_kind server, bool answered) {
    json::object out{{"answered", answered}};
    if (!answered) return out;
    out["connections"] = of.groups.total(server);
    for (const auto origin : {name_origin::ours, name_origin::foreign, name_origin::unnamed})
        out[to_string(origin)] = of.groups.total(server, origin);
    return out;
}

std::uint64_t left_out(const std::vector<holder_group>& groups, std::size_t top) {
    std::uint64_t sum = 0;
    for (std::size_t i = top; i < groups.size(); ++i)
        sum += groups[i].connections();
    return sum;
}

// "Redis 12 (2 foreign, 1 unnamed)"
std::string total_text(const holders_report& of, server_kind server, std::string_view name) {
    auto text = fmt::format("{} {}", name, of.groups.total(server));
    const auto foreign = of.groups.total(server, name_origin::foreign);
    const auto unnamed = of.groups.total(server, name_origin::unnamed);
    if (foreign + unnamed > 0) {
        text += fmt::format(" ({} foreign, {} unnamed)", foreign, unnamed);
    }
    return text;
}

}  // namespace

holders_report ask_holders(const servers& of, std::vector<group_field> by, deadline until,
                           const std::function<bool(const inspect::holder&)>& filter) {
    holders_report report{.groups = inspect::holder_groups(std::move(by)), .findings = {}};
    const auto add = [&](const inspect::holder& one) {
        if (!filter || filter(one)) report.groups.add(one);
    };
    if (of.redis) {
        auto told = ask_redis_holders(*of.redis, add, until);
        report.has_redis = told.has_value();
        if (!told) report.findings.push_back(finding_of(told.error(), *of.redis));
    }
    if (of.postgres) {
        auto told = ask_postgres_holders(*of.postgres, add, until);
        report.has_postgres = told.has_value();
        if (!told) report.findings.push_back(finding_of(told.error(), *of.postgres));
    }
    return report;
}

std::string to_text(const holders_report& of, const std::vector<holder_group>& groups,
                    std::size_t top, const paper& on) {
    auto rows = new_table(of);
    for (std::size_t i = 0; i < std::min(top, groups.size()); ++i) {
        const auto& one = groups[i];
        std::vector<cell> row;
        for (std::size_t part = 0; part < one.key.size(); ++part)
            row.push_back({shown_part(one, part, of.groups.by()[part])});
        if (of.has_redis) row.push_back({fmt::format("{}", one.redis), ink::bold});
        if (of.has_postgres) row.push_back({fmt::format("{}", one.postgres), ink::bold});
        row.push_back({to_words(one.age_max)});
        row.push_back({to_words(one.idle_max)});
        if (of.has_postgres) {
            row.push_back(
                {one.idle_in_transaction_max ? to_words(*one.idle_in_transaction_max) : "-",
                 one.idle_in_transaction_max ? ink::yellow : ink::plain});
        }
        if (of.has_redis) row.push_back({bytes_to_words(one.output_bytes)});
        row.push_back({one.last_command.empty() ? "-" : printable_excerpt(one.last_command)});
        rows.add(std::move(row));
    }
    std::string out;
    if (!rows.empty()) {
        out += rows.render(on);
        if (groups.size() > top) {
            out += fmt::format("... and {} with {} (--top 0 shows all)\n",
                               count_of(groups.size() - top, "group"),
                               count_of(left_out(groups, top), "connection"));
        }
    }
    std::string totals;
    if (of.has_redis) totals += total_text(of, server_kind::redis, "Redis");
    if (of.has_redis && of.has_postgres) totals += ", ";
    if (of.has_postgres) totals += total_text(of, server_kind::postgres, "Postgres");
    if (of.groups.beyond() > 0) {
        totals += fmt::format("; {} in groups beyond the {} that are kept: group by less",
                              of.groups.beyond(), inspect::holder_groups::groups_max);
    }
    if (!totals.empty()) out += wrap("In all: " + totals + ".", on.width, 2) + "\n";
    return out + to_text(of.findings, on);
}

json::object to_json(const holders_report& of, const std::vector<holder_group>& groups,
                     std::size_t top) {
    json::array by;
    for (const auto field : of.groups.by())
        by.push_back(json::string(to_string(field)));
    json::array list;
    for (std::size_t i = 0; i < std::min(top, groups.size()); ++i) {
        const auto& one = groups[i];
        json::object row;
        for (std::size_t part = 0; part < one.key.size(); ++part) {
            const auto name = to_string(of.groups.by()[part]);
            // A name may hold bytes that are no text.
            row[name] = one.key[part].empty() ? json::value()
                                              : json::value(printable_excerpt(one.key[part]));
        }
        row["origin"] = to_string(one.origin);
        row["redis"] = one.redis;
        row["postgres"] = one.postgres;
        row["age_seconds_max"] = one.age_max.count();
        row["idle_seconds_max"] = one.idle_max.count();
        row["idle_in_transaction_seconds_max"] =
            one.idle_in_transaction_max ? json::value(one.idle_in_transaction_max->count())
                                        : json::value();
        row["output_buffer_bytes"] = one.output_bytes;
        row["last_command"] = one.last_command.empty()
                                  ? json::value()
                                  : json::value(printable_excerpt(one.last_command));
        list.push_back(std::move(row));
    }
    return {{"by", std::move(by)},
            {"groups", std::move(list)},
            {"groups_left_out", groups.size() - std::min(top, groups.size())},
            {"connections_left_out", left_out(groups, top) + of.groups.beyond()},
            {"redis", counts_of(of, server_kind::redis, of.has_redis)},
            {"postgres", counts_of(of, server_kind::postgres, of.has_postgres)},
            {"findings", to_json(of.findings)}};
}

std::expected<std::vector<group_field>, std::string> parse_by(const std::string& words) {
    std::vector<group_field> fields;
    std::string_view rest = words;
    for (;;) {
        const auto end = rest.find(',');
        const auto word = rest.substr(0, end);
        const auto field = inspect::parse_group_field(word);
        if (!field || std::ranges::find(fields, *field) != fields.end()) {
            std::string known;
            for (const auto each : inspect::all_group_fields())
                known += fmt::format("{}{}", known.empty() ? "" : ", ", to_string(each));
            return std::unexpected(
                fmt::format("--by {}: '{}' is {}: different ones of {} with commas are expected",
                            printable_excerpt(words), printable_excerpt(word),
                            field ? "named twice" : "nothing to group by", known));
        }
        fields.push_back(*field);
        if (end == std::string_view::npos) return fields;
        rest.remove_prefix(end + 1);
    }
}

}  // namespace headroom::tool
