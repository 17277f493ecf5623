// SPDX-License-Identifier: Apache-2.0
// Where programs are. Runs none of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::chat {

// The first executable file of that name in a PATH.
[[nodiscard]] std::optional<std::string> find_program(std::string_view path_variable,
                                                      std::string_view name);

// Folders with initdb, postgres and pg_isready in them: of PATH in its order, then those where
// Debian keeps them, /usr/lib/postgresql/<version>/bin, the newest first.
[[nodiscard]] std::vector<std::string> postgres_folders(std::string_view path_variable);

}  // namespace headroom::chat
