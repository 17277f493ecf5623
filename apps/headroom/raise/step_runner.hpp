// SPDX-License-Identifier: Apache-2.0
// Runs steps of the aws program one after the other, says each before it runs, and keeps what
// became of those that change something. Decides nothing.
#pragma once

#include <chrono>
#include <cstdio>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "headroom/raise/aws_program.hpp"
#include "headroom/raise/raise_steps.hpp"
#include "headroom/show/finding.hpp"

namespace headroom::tool {

struct applied_step {
    step what;
    bool is_done = false;
    std::string failure;  // of one that was tried; may be empty
};

class step_runner {
public:
    // `each`: how long one call of the program may take. What is said goes to `to`.
    step_runner(aws_program program, clock::duration each, paper on, std::FILE* to)
        : program_(std::move(program)), each_(each), on_(on), to_(to) {}

    void say(std::string_view text) const;
    // What it printed, or a sentence why not.
    [[nodiscard]] std::expected<std::string, std::string> look(const step& one) const;
    // What `parse` makes of it, with its error or the look's.
    template <class Parse>
    [[nodiscard]] auto look(const step& one, Parse parse) const
        -> decltype(parse(std::string_view())) {
        const auto printed = look(one);
        if (!printed) return std::unexpected(printed.error());
        return parse(*printed);
    }
    // Without saying the command: for looking again and again.
    [[nodiscard]] std::expected<std::string, std::string> look_again(const step& one,
                                                                     deadline by) const;
    // False: it failed, and the rest is not to be tried.
    [[nodiscard]] bool run(const step& one);
    // What failed, what was done before it and what was not, of all that were to be run.
    [[nodiscard]] finding failure_among(const std::vector<step>& all) const;

    // "yes", typed on the terminal.
    [[nodiscard]] bool confirm(std::string_view question) const;

    [[nodiscard]] const std::vector<applied_step>& applied() const { return applied_; }
    [[nodiscard]] const paper& on() const { return on_; }

private:
    aws_program program_;
    clock::duration each_;
    paper on_;
    std::FILE* to_;
    std::vector<applied_step> applied_;
};

// Whether there is somebody who could confirm: standard input is a terminal.
[[nodiscard]] bool can_confirm();

}  // namespace headroom::tool
