// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/raise_report.hpp"

#include <fmt/format.h>

#include "headroom/show/document.hpp"
#include "headroom/show/table.hpp"

namespace headroom::tool {
namespace {

namespace json = boost::json;

constexpr std::size_t indent = 5;  // below a step's number

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value() : json::value(text);
}

std::string indented(std::string_view text, const paper& on) {
    return std::string(indent, ' ') + wrap(text, on.width, indent, indent);
}

}  // namespace

std::string_view to_string(raise_target of) {
    switch (of) {
        case raise_target::rds:
            return "rds";
        case raise_target::elasticache_group:
            return "elasticache_replication_group";
        case raise_target::elasticache_cluster:
            return "elasticache_cluster";
        case raise_target::self_managed:
            return "self_managed";
        case raise_target::chatd:
            return "chatd";
    }
    return "self_managed";
}

std::string text_of_facts(const std::vector<fact>& facts, const paper& on) {
    table rows({{.header = "", .width_min = 12},
                {.header = "", .to = align::right},
                {.header = "", .width_min = 10}});
    for (const auto& one : facts)
        rows.add({{one.name}, {one.amount, ink::bold}, {one.note, ink::dim}});
    return rows.render(on, 2);
}

std::string text_before_steps(const raise_case& of, const paper& on) {
    std::string out;
    if (!of.now.empty())
        out += on.paint(of.now_heading, ink::bold) + "\n" + text_of_facts(of.now, on);
    if (!of.is_settled && !of.memory.facts.empty())
        out += (out.empty() ? "" : "\n") + on.paint(of.memory.heading, ink::bold) + "\n" +
               text_of_facts(of.memory.facts, on);
    return out;
}

std::string text_of_steps(const std::string& heading, const std::vector<step>& steps,
                          const paper& on) {
    if (steps.empty()) return {};
    std::string out = on.paint(heading, ink::bold) + "\n";
    std::size_t number = 0;
    for (const auto& one : steps) {
        out += fmt::format("{:>3}. {}\n", ++number, wrap(one.title, on.width, indent, indent));
        if (!one.command.empty()) {
            out += std::string(indent, ' ') +
                   on.paint(to_shell(one.command, on.width, indent + 2), ink::bold) + "\n";
        }
        if (!one.note.empty()) out += on.paint(indented(one.note, on), ink::dim) + "\n";
    }
    return out;
}

std::string to_text(const raise_case& of, const paper& on) {
    std::string notes;
    for (const auto& one : of.notes)
        notes += wrap(one, on.width, 2) + "\n";
    std::string out;
    for (const auto& part :
         {text_before_steps(of, on), text_of_steps("Steps (nothing was changed)", of.steps, on),
          text_of_steps("Instead, where the group begins with \"default.\": those cannot be edited",
                        of.steps_if_default_group, on),
          notes, to_text(of.findings, on)}) {
        if (!part.empty()) out += (out.empty() ? "" : "\n") + part;
    }
    return out;
}

json::array to_json(const std::vector<step>& steps) {
    json::array all;
    for (const auto& one : steps) {
        all.push_back(json::object{{"title", one.title},
                                   {"command", json::array(one.command.begin(), one.command.end())},
                                   {"effect", to_string(one.does)},
                                   {"note", text_or_null(one.note)}});
    }
    return all;
}

void add_to_document(json::object& whole, const raise_case& of) {
    whole["target"] = json::object{{"server", of.server == "Redis" ? "redis" : "postgres"},
                                   {"kind", to_string(of.target)},
                                   {"id", text_or_null(of.id)},
                                   {"address", text_or_null(of.address)},
                                   {"parameter", of.parameter}};
    whole["limit_now"] = of.limit_now;
    whole["wanted"] = or_null(of.wanted);
    whole["memory"] = of.memory.as_json;
    whole["steps"] = to_json(of.steps);
    whole["steps_if_default_group"] = to_json(of.steps_if_default_group);
    whole["notes"] = json::array(of.notes.begin(), of.notes.end());
}

}  // namespace headroom::tool
