// SPDX-License-Identifier: Apache-2.0
// The gateway document as text: JSON or YAML, bounded in size and depth, turned into one tree.
// What its keys mean is in gateway_table.hpp.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace headroom::config {

inline constexpr std::string_view gateway_json_variable = "GATEWAY_CONFIG_JSON";
inline constexpr std::string_view gateway_yaml_variable = "GATEWAY_YAML_PATH";

// One variable of the environment can hold 128 KiB (MAX_ARG_STRLEN of execve(2)): half of it is
// plenty.
inline constexpr std::size_t gateway_document_bytes_max = 64 * 1024;
inline constexpr std::size_t gateway_document_depth_max = 16;
inline constexpr std::size_t gateway_document_values_max = 10'000;  // YAML aliases multiply

// The error says what is wrong and where; it repeats no part of the document.
[[nodiscard]] std::expected<boost::json::object, std::string> parse_gateway_json(
    std::string_view text);
[[nodiscard]] std::expected<boost::json::object, std::string> parse_gateway_yaml(
    std::string_view text);

}  // namespace headroom::config
