// SPDX-License-Identifier: Apache-2.0
// The one table of environment variables: it reads them, explains their faults and writes
// docs/environment.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace headroom::config {

class reading;

// How much of a value may be shown.
enum class exposure { plain, url, hidden };

struct variable {
    std::string_view name;
    std::string_view default_text;
    std::string_view meaning;
    exposure shown = exposure::plain;
    // Reads this variable, and those below it that have no reader of their own.
    void (*read)(reading&) = nullptr;
};

// In the order of the documentation. Later rows may rely on what earlier ones read.
[[nodiscard]] std::span<const variable> variables();

// What the supervisor sets for its workers; nobody else does (worker_slot.hpp).
[[nodiscard]] std::span<const variable> internal_variables();

// A value as it may appear in reports; `name` need not be in the table.
[[nodiscard]] std::string shown_value(std::string_view name, std::string_view value);

// docs/environment.md, whole.
[[nodiscard]] std::string environment_markdown();

}  // namespace headroom::config
