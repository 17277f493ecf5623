// SPDX-License-Identifier: Apache-2.0
#include "chat/bundles/bundle_definition.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "chat/bundles/built_in_bundles.hpp"
#include "config/variable_table.hpp"

namespace headroom::chat {

namespace {

std::string capitals(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c >= 'a' && c <= 'z') {
            out += static_cast<char>(c - 'a' + 'A');
        } else {
            const bool stays = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            out += stays ? c : '_';
        }
    }
    return out;
}

std::string names_of(const bundle_registry& known) {
    std::string names;
    for (const auto& each : known)
        names += (names.empty() ? "" : ", ") + each.name;
    return names;
}

std::string keys_of(const bundle_definition& of) {
    std::string keys;
    for (const auto& each : of.settings)
        keys += (keys.empty() ? "" : ", ") + setting_prefix(of.name) + each.key;
    return keys;
}

config::fault unknown_key(const bundle_definition& of, const std::string& key) {
    return {
        .name = setting_prefix(of.name) + key,
        .found = "a value",
        .expected = "a setting of the bundle " + of.name,
        .advice = of.settings.empty() ? "it has none: unset it" : "it has these: " + keys_of(of)};
}

void check_values(const bundle_definition& of, const bundle_values& given, config::faults& all) {
    for (const auto& [key, value] : given) {
        const auto known = std::ranges::find(of.settings, key, &bundle_setting::key);
        if (known == of.settings.end()) {
            all.push_back(unknown_key(of, key));
            continue;
        }
        const auto expected = known->check ? known->check(value) : std::nullopt;
        if (!expected) continue;
        const auto name = setting_prefix(of.name) + key;
        all.push_back({.name = name,
                       .found = config::shown_value(name, value),
                       .expected = *expected,
                       .advice = known->meaning});
    }
}

}  // namespace

std::string setting_prefix(std::string_view bundle_name) {
    return "CHAT_BUNDLE_" + capitals(bundle_name) + "_";
}

bundle_registry known_bundles(bundle_registry further) {
    bundle_registry known{echo_definition(), clock_definition(), code_definition()};
    std::ranges::move(further, std::back_inserter(known));
    return known;
}

config::faults check_bundles(const config::settings& of, const bundle_registry& known) {
    config::faults all;
    for (const auto& name : of.bundles) {
        if (std::ranges::find(known, name, &bundle_definition::name) != known.end()) continue;
        all.push_back({.name = "CHAT_BUNDLES",
                       .found = printable_excerpt(name),
                       .expected = "names of bundles: " + names_of(known),
                       .advice = "a bundle of your own is registered in main(): docs/bundles.md"});
    }
    for (const auto& [capital_name, given] : of.of_bundles) {
        const auto owner = std::ranges::find(
            known, capital_name, [](const bundle_definition& each) { return capitals(each.name); });
        if (owner != known.end()) {
            check_values(*owner, given, all);
            continue;
        }
        all.push_back({.name = "CHAT_BUNDLE_" + capital_name + "_" + given.begin()->first,
                       .found = "a value",
                       .expected = "a setting of one of the bundles " + names_of(known),
                       .advice = "unset it, or mend the bundle's name in it"});
    }
    return all;
}

bundle_values values_of(const bundle_definition& of, const config::settings& from) {
    bundle_values values;
    for (const auto& each : of.settings)
        values[each.key] = each.default_text;
    const auto given = from.of_bundles.find(capitals(of.name));
    if (given == from.of_bundles.end()) return values;
    for (const auto& [key, value] : given->second)
        values[key] = value;
    return values;
}

}  // namespace headroom::chat
