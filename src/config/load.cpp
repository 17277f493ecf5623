// SPDX-License-Identifier: Apache-2.0
#include "config/load.hpp"

#include <fmt/format.h>

#include "config/bundle_variable.hpp"
#include "config/gateway_table.hpp"
#include "config/reading.hpp"
#include "config/variable_table.hpp"

namespace headroom::config {
namespace {

std::string dotted(const document_key& row) {
    return fmt::format("{}.{}", row.section, row.key);
}

resolved_setting resolved(const reading& run, std::string_view name, std::string_view otherwise) {
    if (const auto value = run.text(name)) {
        return {std::string(name), shown_value(name, *value), origin::environment};
    }
    if (const auto found = run.from_document.find(name); found != run.from_document.end()) {
        return {std::string(name), found->second.text, run.document_origin};
    }
    return {std::string(name), std::string(otherwise), origin::built_in};
}

void add_bundle_variables(const reading& run, std::vector<resolved_setting>& to) {
    for (const auto& [name, value] : run.from().variables) {
        if (is_bundle_variable(name) && run.is_set(name)) to.push_back(resolved(run, name, {}));
    }
}

std::vector<resolved_setting> all_resolved(const reading& run) {
    std::vector<resolved_setting> all;
    for (const variable& row : variables()) {
        if (row.name == bundle_variable_pattern) {
            add_bundle_variables(run, all);
        } else {
            all.push_back(resolved(run, row.name, row.default_text));
        }
    }
    for (const document_key& row : document_keys()) {
        if (row.variable.empty()) all.push_back(resolved(run, dotted(row), row.default_text));
    }
    return all;
}

}  // namespace

std::string_view to_string(service_role role) {
    switch (role) {
        case service_role::all:
            return "all";
        case service_role::ingress:
            return "ingress";
        case service_role::proc:
            return "proc";
    }
    return "all";
}

std::string_view to_string(launcher_kind kind) {
    return kind == launcher_kind::docker ? "docker" : "child";
}

std::string_view to_string(origin from) {
    switch (from) {
        case origin::built_in:
            return "built-in";
        case origin::environment:
            return "environment";
        case origin::gateway_json:
            return "gateway json";
        case origin::gateway_yaml:
            return "gateway yaml";
    }
    return "built-in";
}

std::expected<settings, faults> load(const sources& from) {
    reading run(from);
    run.refuse_unfit_values();
    for (const variable& row : variables()) {
        if (row.read != nullptr) row.read(run);
    }
    if (!run.all_faults().empty()) return std::unexpected(run.all_faults());
    run.to.out.resolved = all_resolved(run);
    return std::move(run.to.out);
}

}  // namespace headroom::config
