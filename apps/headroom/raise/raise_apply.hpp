// SPDX-License-Identifier: Apache-2.0
// Raising a limit at Amazon: looks first, refuses what cannot be right, asks, runs the steps,
// verifies. Everything is done by the aws program.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "headroom/raise/raise_case.hpp"
#include "headroom/raise/step_runner.hpp"

namespace headroom::tool {

struct apply_outcome {
    boost::json::object found;  // who calls, where, on what
    std::vector<step> steps;    // with the names that were found
    std::vector<finding> findings;
    std::size_t findings_said = 0;  // so many of them, before it was confirmed
};

[[nodiscard]] apply_outcome apply_rds(const raise_case& of, const raise_options& how,
                                      step_runner& runner);
[[nodiscard]] apply_outcome apply_elasticache(const raise_case& of, const raise_options& how,
                                              step_runner& runner);

// Looks until `is_there` says so of what was printed, at most until `by`; says each new `state` of
// it. False: not in time.
struct awaited {
    bool is_there = false;
    std::string state;  // "rebooting"
};
[[nodiscard]] bool wait_until_there(const step& look,
                                    const std::function<awaited(std::string_view)>& judge,
                                    const step_runner& runner, deadline by);

}  // namespace headroom::tool
