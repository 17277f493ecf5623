// SPDX-License-Identifier: Apache-2.0
#include "config/reading.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/bundle_variable.hpp"
#include "config/gateway_document.hpp"
#include "config/variable_table.hpp"

namespace headroom::config {
namespace {

constexpr std::size_t value_bytes_max = 4096;

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; });
}

}  // namespace

std::optional<std::string_view> reading::text(std::string_view name) const {
    const auto found = from_.variables.find(name);
    if (found == from_.variables.end() || found->second.empty()) return std::nullopt;
    const bool is_unfit = std::ranges::any_of(unfit_, [&](const auto& one) { return one == name; });
    return is_unfit ? std::nullopt : std::optional<std::string_view>(found->second);
}

void reading::refuse_unfit_values() {
    for (const variable& row : variables()) {
        const auto found = from_.variables.find(row.name);
        if (found == from_.variables.end()) continue;
        const bool is_document = row.name == gateway_json_variable;
        refuse_if_unfit(row.name, found->second,
                        is_document ? gateway_document_bytes_max : value_bytes_max,
                        is_document || row.shown == exposure::hidden);
    }
    for (const auto& [name, value] : from_.variables) {
        if (is_bundle_variable(name) && is_visible_ascii(name))
            refuse_if_unfit(name, value, value_bytes_max, false);
    }
}

void reading::refuse_if_unfit(std::string_view name, std::string_view value, std::size_t bytes_max,
                              bool may_hold_control_characters) {
    if (value.size() > bytes_max) {
        note_fault({.name = std::string(name),
                    .found = fmt::format("{} bytes", value.size()),
                    .expected = fmt::format("at most {} bytes", bytes_max),
                    .advice = {}});
    } else if (!may_hold_control_characters && has_control_character(value)) {
        note_fault(name, "text without control characters",
                   "look for a line break at the end of the value");
    } else {
        return;
    }
    unfit_.push_back(name);
}

std::optional<std::uint64_t> reading::whole_number(std::string_view name, number_range range) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    const auto number = parse_whole_number(*value, range);
    if (!number) note_fault(name, describe(range));
    return number;
}

std::optional<std::chrono::milliseconds> reading::seconds(std::string_view name,
                                                          seconds_range range) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    const auto span = parse_seconds(*value, range);
    if (!span) note_fault(name, describe(range));
    return span;
}

std::optional<bool> reading::flag(std::string_view name) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    const auto answer = parse_flag(*value);
    if (!answer) note_fault(name, "true or false");
    return answer;
}

std::optional<std::string> reading::plain_name(std::string_view name) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    if (is_plain_name(*value)) return std::string(*value);
    note_fault(name, std::string(plain_name_description));
    return std::nullopt;
}

void reading::note_fault(std::string_view name, std::string expected, std::string advice) {
    const auto found = from_.variables.find(name);
    const bool is_set = found != from_.variables.end() && !found->second.empty();
    all_.push_back({.name = std::string(name),
                    .found = is_set ? shown_value(name, found->second) : "(unset)",
                    .expected = std::move(expected),
                    .advice = std::move(advice)});
}

bool reading::has_fault(std::string_view name) const {
    return std::ranges::any_of(all_, [&](const fault& one) { return one.name == name; });
}

}  // namespace headroom::config
