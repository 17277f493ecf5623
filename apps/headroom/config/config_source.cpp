// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/config_source.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "config/gateway_document.hpp"
#include "config/worker_slot.hpp"

namespace headroom::tool {
namespace {

bool is_json(std::string_view file, std::string_view text) {
    if (file.ends_with(".json")) return true;
    if (file.ends_with(".yaml") || file.ends_with(".yml")) return false;
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

std::expected<config::sources, std::string> with_document(config::sources from,
                                                          const std::string& file) {
    auto text = from.read_file(file);
    if (!text) {
        return std::unexpected(
            fmt::format("--config {}: {}", printable_excerpt(file), text.error().what()));
    }
    const std::string json_name(config::gateway_json_variable);
    const std::string yaml_name(config::gateway_yaml_variable);
    from.variables.erase(json_name);
    from.variables.erase(yaml_name);
    // An empty variable would mean the defaults; an empty file is a fault.
    if (is_json(file, *text) && !text->empty()) {
        from.variables[json_name] = std::move(*text);
    } else {
        from.variables[yaml_name] = file;
        from.read_file = [text = std::move(*text)](const std::string&) { return text; };
    }
    return from;
}

std::expected<config::settings, config::faults> load_as_chatd(const config::sources& from,
                                                              const std::string& file) {
    config::faults all;
    if (auto slot = config::read_worker_slot(from.variables); !slot) all = std::move(slot.error());
    auto loaded = config::load(from);
    if (!loaded) all.insert(all.end(), loaded.error().begin(), loaded.error().end());
    if (all.empty()) return loaded;
    for (auto& one : all) {
        const bool is_document =
            one.name == config::gateway_json_variable || one.name == config::gateway_yaml_variable;
        if (file.empty() || !is_document) continue;
        one.name = printable_excerpt(file);
        one.advice = "mend the document";
    }
    return std::unexpected(std::move(all));
}

boost::json::array to_json(const config::faults& all) {
    boost::json::array list;
    for (const auto& one : all) {
        list.push_back(
            boost::json::object{{"name", one.name},
                                {"found", one.found},
                                {"expected", one.expected},
                                {"advice", one.advice.empty() ? boost::json::value()
                                                              : boost::json::value(one.advice)}});
    }
    return list;
}

std::string without_markdown(std::string_view text) {
    std::string plain;
    for (const char c : text)
        if (c != '`' && c != '*') plain += c;
    return plain;
}

}  // namespace headroom::tool
