// SPDX-License-Identifier: Apache-2.0
// The languages in which source text is run: what they are called, and which interpreter runs them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::chat {

struct language {
    std::string_view name;                      // "python3"
    std::vector<std::string_view> aliases;      // beside the name
    std::vector<std::string_view> interpreter;  // a path and its arguments; the source file follows
    std::string_view file_name;                 // of the source in the working folder
    std::string_view package;                   // Debian's, for who has no interpreter
};

// Names and aliases, lower case.
[[nodiscard]] std::optional<language> find_language(std::string_view name);
[[nodiscard]] inline bool is_known_language(std::string_view name) {
    return find_language(name).has_value();
}
// "bash, python3"
[[nodiscard]] std::string language_names();

}  // namespace headroom::chat
