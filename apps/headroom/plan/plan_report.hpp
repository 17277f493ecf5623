// SPDX-License-Identifier: Apache-2.0
// A plan as text and as JSON. Decides nothing.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "headroom/plan/plan_verdict.hpp"
#include "headroom/show/paper.hpp"

namespace headroom::tool {

[[nodiscard]] std::string to_text(const plan& of, const paper& on);
// {"fleet","redis","postgres","findings"}
[[nodiscard]] boost::json::object to_json(const plan& of);

}  // namespace headroom::tool
