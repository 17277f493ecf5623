// SPDX-License-Identifier: Apache-2.0
// Walks the gateway document: each key of the table at each place where it may stand. What keys
// mean is in gateway_table.cpp, what a document is in gateway_document.cpp.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "config/gateway_document.hpp"
#include "config/gateway_table.hpp"

namespace headroom::config {
namespace {

namespace json = boost::json;

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

class document_reader {
public:
    document_reader(reading& run, const json::object& root) : run_(run), root_(root) {}

    void read_all() {
        for (const document_key& row : document_keys()) {
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
        const document_field field{.value = *value, .path = path, .run = run_};
        row.apply(to, field);
        if (!is_ours) return;
        const std::string name =
            row.variable.empty() ? joined(row.section, row.key) : std::string(row.variable);
        run_.from_document.insert_or_assign(
            name, document_value{.path = std::move(path), .text = field.shown()});
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
                             .found = document_field{value, path, run_}.shown(),
                             .expected = "a mapping of settings",
                             .advice = "indent the section's keys below its name"});
        }
    }

    static bool is_section(std::string_view key) {
        return std::ranges::find(document_keys(), key, &document_key::section) !=
               document_keys().end();
    }

    static bool is_key(std::string_view section, std::string_view key) {
        return std::ranges::any_of(document_keys(), [&](const document_key& row) {
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
