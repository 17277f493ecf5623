// SPDX-License-Identifier: Apache-2.0
// A limit that somebody wants raised, as text and as JSON.
#pragma once

#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "headroom/raise/raise_case.hpp"
#include "headroom/show/paper.hpp"

namespace headroom::tool {

// What it is now, and what memory more needs.
[[nodiscard]] std::string text_before_steps(const raise_case& of, const paper& on);
[[nodiscard]] std::string text_of_steps(const std::string& heading, const std::vector<step>& steps,
                                        const paper& on);
[[nodiscard]] std::string text_of_facts(const std::vector<fact>& facts, const paper& on);
// All of it, for printing alone.
[[nodiscard]] std::string to_text(const raise_case& of, const paper& on);

[[nodiscard]] boost::json::array to_json(const std::vector<step>& steps);
// What stands in the document whether or not it is applied.
void add_to_document(boost::json::object& whole, const raise_case& of);

}  // namespace headroom::tool
