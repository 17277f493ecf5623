// SPDX-License-Identifier: Apache-2.0
// The variables of bundles: by prefix, not by name.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/bundle_variable.hpp"
#include "config/reading.hpp"
#include "config/variable_readers.hpp"

namespace headroom::config {
namespace {

constexpr std::size_t name_bytes_max = 128;  // behind the prefix

bool is_capital_or_digit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// "my-greeter": MY_GREETER
std::string in_capitals(std::string_view bundle) {
    std::string name;
    for (const char c : bundle) {
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        name += is_capital_or_digit(upper) ? upper : '_';
    }
    return name;
}

void refuse_name(reading& run, std::string_view name) {
    run.note_fault(
        {.name = printable_excerpt(name),
         .found = "a value",
         .expected = fmt::format("{} of capitals, digits and '_', at most {} after {}",
                                 bundle_variable_pattern, name_bytes_max, bundle_variable_prefix),
         .advice = "name the bundle and its setting, or unset it"});
}

}  // namespace

bool is_bundle_variable(std::string_view name) {
    return name.starts_with(bundle_variable_prefix);
}

bool is_secret_bundle_variable(std::string_view name) {
    constexpr std::array<std::string_view, 4> ends{"KEY", "SECRET", "TOKEN", "PASSWORD"};
    return is_bundle_variable(name) &&
           std::ranges::any_of(ends, [&](std::string_view end) { return name.ends_with(end); });
}

std::optional<bundle_variable> split_bundle_variable(std::string_view name,
                                                     const std::vector<std::string>& bundles) {
    if (!is_bundle_variable(name)) return std::nullopt;
    const std::string_view rest = name.substr(bundle_variable_prefix.size());
    const auto fits = [](char c) { return is_capital_or_digit(c) || c == '_'; };
    if (rest.size() > name_bytes_max || !std::ranges::all_of(rest, fits)) return std::nullopt;

    std::size_t end = rest.find('_');
    std::size_t longest = 0;
    for (const std::string& each : bundles) {
        const std::string bundle = in_capitals(each);
        if (bundle.size() <= longest || !rest.starts_with(bundle + '_')) continue;
        longest = bundle.size();
        end = longest;
    }
    if (end == std::string_view::npos || end == 0 || end + 1 == rest.size()) return std::nullopt;
    return bundle_variable{.bundle = std::string(rest.substr(0, end)),
                           .key = std::string(rest.substr(end + 1))};
}

void read_bundle_settings(reading& run) {
    settings& to = run.to.out;
    const environment& all = run.from().variables;
    std::size_t count = 0;
    for (auto one = all.lower_bound(bundle_variable_prefix);
         one != all.end() && is_bundle_variable(one->first); ++one) {
        if (one->second.empty()) continue;
        const auto parts = split_bundle_variable(one->first, to.bundles);
        if (!parts) {
            refuse_name(run, one->first);
            continue;
        }
        if (++count > bundle_variables_max) {
            run.note_fault({.name = std::string(bundle_variable_pattern),
                            .found = fmt::format("more than {} variables", bundle_variables_max),
                            .expected = fmt::format("at most {}", bundle_variables_max),
                            .advice = "unset those of bundles that are off"});
            return;
        }
        if (const auto value = run.text(one->first)) {
            to.of_bundles[parts->bundle][parts->key] = *value;
        }
    }
}

}  // namespace headroom::config
