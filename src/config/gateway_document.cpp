// SPDX-License-Identifier: Apache-2.0
#include "config/gateway_document.hpp"

#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "base/text.hpp"

namespace headroom::config {
namespace {

namespace json = boost::json;

using failed = std::unexpected<std::string>;

constexpr std::string_view not_a_mapping = "the document is no mapping of settings";

std::expected<json::object, std::string> as_object(json::value tree) {
    if (!tree.is_object()) return failed(std::string(not_a_mapping));
    return std::move(tree.get_object());
}

// A number as the YAML 1.2 core schema writes it, as far as JSON has it too; empty otherwise.
std::optional<json::value> plain_number(const std::string& text) {
    const std::size_t first = text.find_first_not_of("+-");
    if (first == std::string::npos || first > 1 || text[first] < '0' || text[first] > '9') {
        return std::nullopt;
    }
    const char* const begin = text.data() + (text[0] == '+' ? 1 : 0);
    const char* const end = text.data() + text.size();
    std::int64_t whole = 0;
    const auto as_whole = std::from_chars(begin, end, whole);
    if (as_whole.ec == std::errc() && as_whole.ptr == end) return json::value(whole);
    double real = 0;
    const auto as_real = std::from_chars(begin, end, real);
    if (as_real.ec == std::errc() && as_real.ptr == end) return json::value(real);
    return std::nullopt;
}

json::value scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    const bool is_plain = node.Tag() == "?" || node.Tag().empty();  // "!" is a quoted text
    if (is_plain) {
        if (text == "true" || text == "True" || text == "TRUE") return true;
        if (text == "false" || text == "False" || text == "FALSE") return false;
        if (text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
        if (auto number = plain_number(text)) return std::move(*number);
    }
    return json::value(text);
}

// Copies a YAML tree, counting values, because an alias of an alias of an alias is small on disk
// only.
class yaml_copy {
public:
    std::expected<json::value, std::string> of(const YAML::Node& node, std::size_t depth) {
        if (depth > gateway_document_depth_max) {
            return failed(
                fmt::format("it is nested more than {} deep", gateway_document_depth_max));
        }
        if (++values_ > gateway_document_values_max) {
            return failed(fmt::format("it has more than {} values", gateway_document_values_max));
        }
        if (node.IsMap()) return of_map(node, depth);
        if (node.IsSequence()) return of_sequence(node, depth);
        if (node.IsScalar()) return scalar(node);
        return json::value(nullptr);
    }

private:
    std::expected<json::value, std::string> of_map(const YAML::Node& node, std::size_t depth) {
        json::object copied;
        for (const auto& entry : node) {
            const std::string at_line = fmt::format("line {}", entry.first.Mark().line + 1);
            if (!entry.first.IsScalar()) return failed(at_line + ": a key is no plain text");
            auto value = of(entry.second, depth + 1);
            if (!value) return value;
            const bool is_new = copied.emplace(entry.first.Scalar(), std::move(*value)).second;
            if (!is_new) return failed(at_line + ": the same key a second time");
        }
        return copied;
    }

    std::expected<json::value, std::string> of_sequence(const YAML::Node& node, std::size_t depth) {
        json::array copied;
        for (const auto& entry : node) {
            auto value = of(entry, depth + 1);
            if (!value) return value;
            copied.push_back(std::move(*value));
        }
        return copied;
    }

    std::size_t values_ = 0;
};

std::expected<void, std::string> checked_text(std::string_view text) {
    if (text.size() > gateway_document_bytes_max) {
        return failed(fmt::format("it has {} bytes, at most {} are read", text.size(),
                                  gateway_document_bytes_max));
    }
    if (!is_utf8(text)) return failed("it is not UTF-8");
    return {};
}

}  // namespace

std::expected<json::object, std::string> parse_gateway_json(std::string_view text) {
    if (auto fit = checked_text(text); !fit) return failed(fit.error());
    json::parse_options options;
    options.max_depth = gateway_document_depth_max;
    json::parser parser({}, options);
    boost::system::error_code code;
    const std::size_t read = parser.write_some(text, code);
    if (!code && read < text.size()) code = json::error::extra_data;
    if (code) return failed(fmt::format("at byte {}: {}", read + 1, code.message()));
    return as_object(parser.release());
}

std::expected<json::object, std::string> parse_gateway_yaml(std::string_view text) {
    if (auto fit = checked_text(text); !fit) return failed(fit.error());
    try {
        auto tree = yaml_copy().of(YAML::Load(std::string(text)), 1);
        if (!tree) return failed(tree.error());
        return as_object(std::move(*tree));
    } catch (const YAML::Exception& e) {
        return failed(fmt::format("line {}, column {}: {}", e.mark.line + 1, e.mark.column + 1,
                                  printable_excerpt(e.msg)));
    }
}

}  // namespace headroom::config
