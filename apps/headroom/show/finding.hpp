// SPDX-License-Identifier: Apache-2.0
// One thing an operator should know: how bad it is, what it is, what to do.
#pragma once

#include <string>
#include <vector>

#include <boost/json/array.hpp>

#include "headroom/show/level.hpp"
#include "headroom/show/paper.hpp"

namespace headroom::tool {

struct finding {
    level how = level::ok;
    std::string what;    // a sentence
    std::string advice;  // may be empty
};

[[nodiscard]] level worst_of(const std::vector<finding>& all);
// Each as "warning: what" and its advice below it, wrapped to the paper.
[[nodiscard]] std::string to_text(const std::vector<finding>& all, const paper& on);
// {"level","what","advice"}; advice is null when empty.
[[nodiscard]] boost::json::array to_json(const std::vector<finding>& all);

}  // namespace headroom::tool
