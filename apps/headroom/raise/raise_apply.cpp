// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/raise_apply.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "headroom/raise/aws_answers.hpp"
#include "headroom/raise/interruption.hpp"
#include "headroom/raise/raise_report.hpp"

namespace headroom::tool {

bool wait_until_there(const step& look, const std::function<awaited(std::string_view)>& judge,
                      const step_runner& runner, deadline by) {
    std::string said;
    auto pause = std::chrono::seconds(1);
    for (;;) {
        // One look that fails is no reason to give up: the change is under way.
        const auto told = runner.look_again(look, by);
        const auto now = told ? judge(*told) : awaited{.is_there = false, .state = told.error()};
        if (now.state != said) runner.say(fmt::format("  {}\n", now.state));
        said = now.state;
        if (now.is_there) return true;
        if (clock::now() + pause >= by || interruption::was_asked_for()) return false;
        interruption::sleep_for(pause);
        pause = std::min(pause * 2, std::chrono::seconds(10));
    }
}

}  // namespace headroom::tool
