// SPDX-License-Identifier: Apache-2.0
// The JSON that every command prints with --json: `schema` and `version` first, then `verdict`.
// What stands in it is in docs/headroom-json.md.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "headroom/show/level.hpp"

namespace headroom::tool {

inline constexpr int document_version = 1;

// `name`: "limits" becomes the schema "headroom.limits".
[[nodiscard]] boost::json::object document(std::string_view name, level verdict);

// Null when empty.
template <class T>
[[nodiscard]] boost::json::value or_null(const std::optional<T>& from) {
    return from ? boost::json::value(*from) : boost::json::value();
}

// One line on standard output. Throws what ends the command, when it cannot be written: an answer
// that nobody gets is none.
void print(const boost::json::object& whole);
void print(std::string_view text);
// For people, on standard error.
void complain(std::string_view sentence);
// There is nothing to show: says why and, with --json, prints a document that has it as `why`.
// The exit code.
[[nodiscard]] int refuse(std::string_view name, bool is_json, std::string_view why);

}  // namespace headroom::tool
