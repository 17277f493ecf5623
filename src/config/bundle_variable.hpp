// SPDX-License-Identifier: Apache-2.0
// CHAT_BUNDLE_<NAME>_<KEY>: the variables whose names are not in the table, because bundles bring
// them. Their form only; which of them exist is the bundles' business (chat/bundles).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::config {

inline constexpr std::string_view bundle_variable_prefix = "CHAT_BUNDLE_";
// The row of the table that stands for all of them.
inline constexpr std::string_view bundle_variable_pattern = "CHAT_BUNDLE_<NAME>_<KEY>";
inline constexpr std::size_t bundle_variables_max = 256;

// Begins with the prefix; what follows is the business of split_bundle_variable().
[[nodiscard]] bool is_bundle_variable(std::string_view name);

// Its value is hidden: it ends in KEY, SECRET, TOKEN or PASSWORD.
[[nodiscard]] bool is_secret_bundle_variable(std::string_view name);

struct bundle_variable {
    std::string bundle;  // in capitals
    std::string key;
};

// A bundle's name may hold '_' as a key does: of `bundles`, as CHAT_BUNDLES names them, the longest
// that fits is meant; where none fits the name ends at the first '_'. Empty when it is not of the
// form: capitals, digits and '_', at most 128 of them.
[[nodiscard]] std::optional<bundle_variable> split_bundle_variable(
    std::string_view name, const std::vector<std::string>& bundles);

}  // namespace headroom::config
