// SPDX-License-Identifier: Apache-2.0
#include "headroom/holders/holders_report.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "headroom/ask/asked.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;
using inspect::group_field;
using inspect::holder_group;
using inspect::name_origin;
using inspect::server_kind;

// Of foreign and unnamed connections the first field that they lack says what they are.
std::vector<cell> key_cells(const holder_group& of, const std::vector<group_field>& by) {
    std::vector<cell> cells;
    bool is_told = of.origin == name_origin::ours || of.origin == name_origin::mixed;
    for (std::size_t i = 0; i < by.size(); ++i) {
        auto text = printable_excerpt(of.key[i]);
        if (text.empty() && !is_told) {
            text = fmt::format("({})", to_string(of.origin));
            is_told = true;
        }
        cells.push_back({text.empty() ? "-" : std::move(text)});
    }
    if (!is_told) cells.front().text += fmt::format(" ({})", to_string(of.origin));
    return cells;
}

std::string upper(std::string_view word) {
    std::string out;
    for (const char c : word)
        out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

constexpr std::size_t narrow = 60;  // below, names may be cut to less than one recognises

column column_of(group_field field, bool is_narrow) {
    switch (field) {
        case group_field::service:
            return {.header = "SERVICE", .width_min = is_narrow ? 5U : 9U};
        case group_field::instance:
        case group_field::address:
        case group_field::user:
            return {.header = upper(to_string(field)), .width_min = is_narrow ? 5U : 8U};
        case group_field::process:
            return {.header = "PID", .to = align::right};
        case group_field::state:
            return {.header = "STATE", .width_min = 6};
        case group_field::kind:
            return {.header = "KIND", .width_min = is_narrow ? 6U : 8U};
    }
    return {};
}

// A column behind the names.
struct measure {
    column look;
    std::optional<holder_order> order;  // what sorts by it
    std::size_t goes;                   // 1: the first when there is no room; 0: never
    cell (*of)(const holder_group&);
};

cell count_cell(std::uint64_t number) {
    return number == 0 ? cell{"-"} : cell{fmt::format("{}", number), ink::bold};
}

cell transaction_cell(const holder_group& of) {
    const auto& open = of.idle_in_transaction_max;
    return open ? cell{to_short_words(*open), ink::yellow} : cell{"-"};
}

// Columns that would be empty are left out, but for the one that is sorted by.
std::vector<measure> measures_for(const holders_report& of, std::span<const holder_group> groups,
                                  holder_order keep) {
    const auto right = [](const char* header) {
        return column{.header = header, .to = align::right};
    };
    using group = const holder_group&;
    using enum holder_order;
    std::vector<measure> all;
    if (of.has_redis) {
        all.push_back({right("REDIS"), redis, 0, [](group one) { return count_cell(one.redis); }});
    }
    if (of.has_postgres) {
        all.push_back(
            {right("PG"), postgres, 0, [](group one) { return count_cell(one.postgres); }});
    }
    all.push_back(
        {right("AGE"), age, 3, [](group one) { return cell{to_short_words(one.age_max)}; }});
    all.push_back(
        {right("IDLE"), idle, 5, [](group one) { return cell{to_short_words(one.idle_max)}; }});
    const bool has_transactions = std::ranges::any_of(
        groups, [](group one) { return one.idle_in_transaction_max.has_value(); });
    if (has_transactions || keep == in_transaction) {
        all.push_back({right("IN TX"), in_transaction, 4, transaction_cell});
    }
    const bool has_output =
        std::ranges::any_of(groups, [](group one) { return one.output_bytes > 0; });
    if (has_output || keep == output_buffer) {
        all.push_back({right("OUTBUF"), output_buffer, 2,
                       [](group one) { return cell{bytes_to_words(one.output_bytes)}; }});
    }
    all.push_back({{.header = "LAST", .width_min = 6}, {}, 1, [](group one) {
                       return cell{one.last_command.empty() ? "-"
                                                            : printable_excerpt(one.last_command)};
                   }});
    return all;
}

// The end: none may go.
std::vector<measure>::iterator first_to_go(std::vector<measure>& all, holder_order keep) {
    auto found = all.end();
    for (auto one = all.begin(); one != all.end(); ++one) {
        if (one->goes == 0 || one->order == keep) continue;
        if (found == all.end() || one->goes < found->goes) found = one;
    }
    return found;
}

// Both must outlive it.
std::function<void(const inspect::holder&)> adding_to(holders_report& to,
                                                      const holder_filter& filter) {
    return [&](const inspect::holder& one) {
        if (!filter || filter(one)) to.groups.add(one);
    };
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

// An executor's instance is its execution: grouped by that, each one has a line.
bool has_line_an_executor(const holders_report& of, const std::vector<holder_group>& groups) {
    const auto& by = of.groups.by();
    const auto kind = std::ranges::find(by, group_field::kind);
    const bool is_by_process = std::ranges::any_of(by, [](group_field field) {
        return field == group_field::instance || field == group_field::process;
    });
    if (kind == by.end() || !is_by_process) return false;
    const auto at = static_cast<std::size_t>(kind - by.begin());
    return std::ranges::count_if(groups, [at](const holder_group& one) {
               return one.key[at] == pool_kind::executor;
           }) > 1;
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

void add_holders_of(holders_report& to, const redis_place& at, deadline until,
                    const holder_filter& filter) {
    auto before = to.groups;  // half a list is none
    const auto told = ask_redis_holders(at, adding_to(to, filter), until);
    to.has_redis = told.has_value();
    if (told) return;
    to.groups = std::move(before);
    to.findings.push_back(finding_of(told.error(), at));
}

void add_holders_of(holders_report& to, const postgres_place& at, deadline until,
                    const holder_filter& filter) {
    auto before = to.groups;
    const auto told = ask_postgres_holders(at, adding_to(to, filter), until);
    to.has_postgres = told.has_value();
    if (told) return;
    to.groups = std::move(before);
    to.findings.push_back(finding_of(told.error(), at));
}

std::string holders_table(const holders_report& of, std::span<const holder_group> groups,
                          const paper& on, holder_order keep) {
    const auto& by = of.groups.by();
    auto measures = measures_for(of, groups, keep);
    std::vector<column> columns;
    for (const auto field : by)
        columns.push_back(column_of(field, on.width < narrow));
    for (const auto& one : measures)
        columns.push_back(one.look);
    table rows(std::move(columns));
    for (const auto& one : groups) {
        auto row = key_cells(one, by);
        for (const auto& column : measures)
            row.push_back(column.of(one));
        rows.add(std::move(row));
    }
    while (rows.width_least() > on.width) {
        const auto gone = first_to_go(measures, keep);
        if (gone == measures.end()) break;
        rows.remove(by.size() + static_cast<std::size_t>(gone - measures.begin()));
        measures.erase(gone);
    }
    return rows.render(on);
}

std::string to_text(const holders_report& of, const std::vector<holder_group>& groups,
                    std::size_t top, const paper& on) {
    std::string out;
    if (top > 0 && !groups.empty()) {
        out += holders_table(of, std::span(groups).first(std::min(top, groups.size())), on);
        if (groups.size() > top) {
            out += fmt::format("... and {} with {} (--top 0 shows all)\n",
                               count_of(groups.size() - top, "group"),
                               count_of(left_out(groups, top), "connection"));
            if (has_line_an_executor(of, groups)) {
                out += "Each executor has a line here; --by service,kind makes one of them.\n";
            }
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
