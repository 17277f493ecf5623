// SPDX-License-Identifier: Apache-2.0
#include "headroom/plan/plan_report.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "budget/cores.hpp"
#include "headroom/show/document.hpp"
#include "headroom/show/table.hpp"
#include "headroom/show/words.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;
using budget::verdict;

ink ink_of(verdict of) {
    switch (of) {
        case verdict::fits:
            return ink::green;
        case verdict::tight:
        case verdict::unknown:
            return ink::yellow;
        case verdict::exceeds:
        case verdict::unbounded:
            return ink::red;
    }
    return ink::plain;
}

std::string text_of(const std::optional<std::uint64_t>& number, std::string_view otherwise) {
    return number ? fmt::format("{}", *number) : std::string(otherwise);
}

// --- as text -------------------------------------------------------------------------------------

std::string fleet_text(const planned_fleet& of, const paper& on) {
    table rows(
        {{.header = ""}, {.header = "", .to = align::right}, {.header = "", .width_min = 10}});
    for (const auto& one : of.values()) {
        if (!one.is_always_shown && !of.sources.contains(one.key)) continue;
        rows.add({{std::string(one.name)},
                  {text_of(one.value, "unset"), ink::bold},
                  {of.source(one.key), ink::dim}});
    }
    return on.paint("The fleet", ink::bold) + " of " + of.service + "\n" + rows.render(on, 2);
}

// Name, formula or source, value.
table arithmetic_of(const server_plan& of) {
    table rows(
        {{.header = ""}, {.header = "", .width_min = 20}, {.header = "", .to = align::right}});
    for (const auto& one : of.demand.terms)
        rows.add({{std::string(one.name)}, {one.formula}, {budget::to_string(one.most)}});
    rows.add({{"total", ink::bold},
              {"at most, all at the same time"},
              {budget::to_string(of.demand.total), ink::bold}});
    const auto& known = of.seen.limit;
    const auto most = budget::usable(known.limit);
    if (!known.limit.server || !most) {
        rows.add({{"limit"}, {"not known"}, {"?"}});
        return rows;
    }
    rows.add({{"limit"}, {known.source}, {fmt::format("{}", known.limit.server->value())}});
    rows.add({{"usable"}, {known.reserved_source}, {fmt::format("{}", most->value())}});
    const auto wanted = of.demand.total.counted();
    if (wanted && *wanted <= *most) {
        rows.add({{"left"},
                  {"with every pool full"},
                  {fmt::format("{}", most->value() - wanted->value())}});
    }
    return rows;
}

// Two columns in, four from the second line on.
std::string paragraph(const std::string& text, const paper& on) {
    return "  " + wrap(text, on.width, 4, 2) + "\n";
}

std::string largest_text(const server_plan& of, const paper& on) {
    if (!of.seen.limit.limit.server) return {};
    const auto& fit = of.largest;
    return paragraph(fmt::format("Largest that fits, each with the rest as it is: {} {}, "
                                 "instances {}, workers {}.",
                                 of.setting, text_of(fit.pool_max, "none"),
                                 text_of(fit.instances, "none"), text_of(fit.workers, "none")),
                     on);
}

std::string server_text(const server_plan& of, const paper& on) {
    std::string out = on.paint(of.name, ink::bold);
    if (of.seen.where) out += " at " + *of.seen.where;
    out += ": " + on.paint(budget::to_string(of.how), ink_of(of.how)) + "\n";
    out += arithmetic_of(of).render(on, 2);
    if (!of.seen.limit.assumption.empty())
        out += paragraph("Assumed: " + of.seen.limit.assumption, on);
    return out + largest_text(of, on) + to_text(of.findings, on);
}

// --- as JSON -------------------------------------------------------------------------------------

// A number, or "unbounded" or "2^64 or more", as in docs/monitoring.md.
json::value to_value(budget::amount of) {
    if (const auto counted = of.counted()) return counted->value();
    return json::string(budget::to_string(of));
}

json::object fleet_json(const planned_fleet& of) {
    json::object out{{"service", of.service}};
    for (const auto& one : of.values())
        out[one.key] = json::object{{"value", or_null(one.value)}, {"source", of.source(one.key)}};
    return out;
}

json::object server_json(const server_plan& of, std::string_view setting_key) {
    json::array terms;
    for (const auto& one : of.demand.terms) {
        terms.push_back(json::object{
            {"name", one.name}, {"formula", one.formula}, {"value", to_value(one.most)}});
    }
    const auto& known = of.seen.limit;
    const auto most = budget::usable(known.limit);
    const auto& limit = known.limit;
    json::object out{{"verdict", budget::to_string(of.how)},
                     {"address", or_null(of.seen.where)},
                     {"others_counted", of.seen.held.is_counted},
                     {"terms", std::move(terms)},
                     {"total", to_value(of.demand.total)}};
    out["limit"] = limit.server ? json::value(limit.server->value()) : json::value();
    out["limit_source"] = known.source.empty() ? json::value() : json::value(known.source);
    out["is_assumed"] = !known.assumption.empty();
    out["reserved"] = limit.reserved_superuser.value() + limit.reserved_provider.value();
    out["usable"] = most ? json::value(most->value()) : json::value();
    out["largest_fit"] = json::object{{setting_key, or_null(of.largest.pool_max)},
                                      {"instances", or_null(of.largest.instances)},
                                      {"workers_per_instance", or_null(of.largest.workers)}};
    out["findings"] = to_json(of.findings);
    return out;
}

json::value cores_json(const std::optional<planned_cores>& of) {
    if (!of) return nullptr;
    const auto useful = budget::useful_connections(of->cores);
    return json::object{
        {"value", of->cores.value()},
        {"source", of->source},
        {"useful_connections", useful ? json::value(useful->value()) : json::value()}};
}

}  // namespace

std::string to_text(const plan& of, const paper& on) {
    return fleet_text(of.fleet, on) + to_text(of.notes, on) + "\n" + server_text(of.redis, on) +
           "\n" + server_text(of.postgres, on);
}

json::object to_json(const plan& of) {
    json::object out{{"fleet", fleet_json(of.fleet)},
                     {"redis", server_json(of.redis, "redis_max_connections")},
                     {"postgres", server_json(of.postgres, "pg_pool_max_size")},
                     {"findings", to_json(of.notes)}};
    out["redis"].get_object()["per_process"] = to_value(budget::redis_per_process(of.fleet.counts));
    auto& postgres = out["postgres"].get_object();
    postgres["per_instance"] = to_value(budget::postgres_per_instance(of.fleet.counts));
    postgres["cores"] = cores_json(of.postgres.seen.cores);
    return out;
}

}  // namespace headroom::tool
