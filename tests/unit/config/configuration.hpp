// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of this folder: an environment in one line, and the faults of a refused one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "config/load.hpp"

namespace headroom::config {

inline std::expected<settings, faults> loaded(environment variables, std::string yaml = {}) {
    return load({.variables = std::move(variables),
                 .host_name = "host-1",
                 .read_file = [yaml](const std::string&) -> result<std::string> {
                     if (yaml.empty()) {
                         return failure(std::make_error_code(std::errc::no_such_file_or_directory));
                     }
                     return yaml;
                 }});
}

// Settings that must load; what was wrong otherwise.
inline settings accepted(environment variables, std::string yaml = {}) {
    auto got = loaded(std::move(variables), std::move(yaml));
    if (got) return *got;
    ADD_FAILURE() << describe_faults(got.error());
    return {};
}

// The names of all faults, in order; empty when it loaded.
inline std::vector<std::string> fault_names(environment variables, std::string yaml = {}) {
    std::vector<std::string> names;
    const auto got = loaded(std::move(variables), std::move(yaml));
    if (!got) {
        for (const fault& one : got.error())
            names.push_back(one.name);
    }
    return names;
}

inline bool warns_of(const settings& of, std::string_view words) {
    return std::ranges::any_of(
        of.warnings, [&](const std::string& one) { return one.find(words) != std::string::npos; });
}

using names = std::vector<std::string>;

}  // namespace headroom::config
