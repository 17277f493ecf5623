// SPDX-License-Identifier: Apache-2.0
// Where `headroom config` reads from: what chatd would read, or that with another gateway document.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "config/load.hpp"

namespace headroom::tool {

// The same sources with the document of a file in place of the one that the environment names.
// JSON or YAML by the file's name, else by its first character. The error is for people.
[[nodiscard]] std::expected<config::sources, std::string> with_document(config::sources from,
                                                                        const std::string& file);

// As chatd reads them at its start. Faults of the document itself are named after `file`, unless
// that is empty.
[[nodiscard]] std::expected<config::settings, config::faults> load_as_chatd(
    const config::sources& from, const std::string& file);

// {"name","found","expected","advice"}; advice is null when empty.
[[nodiscard]] boost::json::array to_json(const config::faults& all);

// A text of the tables without its Markdown.
[[nodiscard]] std::string without_markdown(std::string_view text);

}  // namespace headroom::tool
