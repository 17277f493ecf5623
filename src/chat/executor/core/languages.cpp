// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/languages.hpp"

#include <algorithm>

namespace headroom::chat {
namespace {

std::vector<language> all_languages() {
    return {{.name = "bash",
             .aliases = {"sh", "shell"},
             .interpreter = {"/usr/bin/bash"},
             .file_name = "program.sh",
             .package = "bash"},
            {.name = "python3",
             .aliases = {"python", "py"},
             .interpreter = {"/usr/bin/python3", "-u"},
             .file_name = "program.py",
             .package = "python3"}};
}

}  // namespace

std::optional<language> find_language(std::string_view name) {
    for (auto& each : all_languages()) {
        const bool is_alias = std::ranges::find(each.aliases, name) != each.aliases.end();
        if (each.name == name || is_alias) return each;
    }
    return std::nullopt;
}

std::string language_names() {
    std::string names;
    for (const auto& each : all_languages())
        names.append(names.empty() ? "" : ", ").append(each.name);
    return names;
}

}  // namespace headroom::chat
