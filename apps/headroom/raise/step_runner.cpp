// SPDX-License-Identifier: Apache-2.0
#include "headroom/raise/step_runner.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "headroom/raise/interruption.hpp"

namespace headroom::tool {

void step_runner::say(std::string_view text) const {
    const auto safe = for_terminal(text);
    (void)std::fwrite(safe.data(), 1, safe.size(), to_);
    (void)std::fflush(to_);
}

std::expected<std::string, std::string> step_runner::look(const step& one) const {
    say("$ " + on_.paint(to_shell(one.command, on_.width, 4), ink::dim) + "\n");
    return program_.run(one.command, clock::now() + each_);
}

std::expected<std::string, std::string> step_runner::look_again(const step& one,
                                                                deadline by) const {
    return program_.run(one.command, std::min(by, clock::now() + each_));
}

bool step_runner::run(const step& one) {
    if (interruption::was_asked_for()) {
        applied_.push_back(
            {.what = one, .is_done = false, .failure = "interrupted before it began"});
        return false;
    }
    say("\n" + one.title + "\n$ " + on_.paint(to_shell(one.command, on_.width, 4), ink::bold) +
        "\n");
    auto ran = program_.run(one.command, clock::now() + each_);
    applied_.push_back({.what = one,
                        .is_done = ran.has_value(),
                        .failure = ran ? std::string() : std::move(ran.error())});
    say(ran ? "  done\n" : "  failed\n");
    return ran.has_value();
}

finding step_runner::failure_among(const std::vector<step>& all) const {
    std::string done;
    std::string undone;
    for (const auto& one : all) {
        const bool is_done = std::ranges::any_of(applied_, [&](const applied_step& tried) {
            return tried.is_done && tried.what == one;
        });
        auto& list = is_done ? done : undone;
        list += (list.empty() ? "" : "; ") + one.title;
    }
    const auto& failed = applied_.back();
    return {level::critical, fmt::format("This failed: {}: {}", failed.what.title, failed.failure),
            fmt::format("Done: {}. Not done: {}. To go on, mend the cause and run the same command "
                        "again: it begins with what is not done.",
                        done.empty() ? "nothing" : done, undone)};
}

bool step_runner::confirm(std::string_view question) const {
    say(fmt::format("\n{} Type yes to go on: ", question));
    std::string typed;
    return std::getline(std::cin, typed) && typed == "yes";
}

bool can_confirm() {
    return ::isatty(STDIN_FILENO) == 1;
}

}  // namespace headroom::tool
