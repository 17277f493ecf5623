// SPDX-License-Identifier: Apache-2.0
// Runs the aws program: arguments as they are, never a shell, bounded in time and in what it may
// print. Knows nothing of what the words mean.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "config/load.hpp"

namespace headroom::tool {

class aws_program {
public:
    // Looks for `aws` in PATH. The error is a sentence.
    [[nodiscard]] static std::expected<aws_program, std::string> find(
        const config::environment& variables);

    // The standard output of a run that ended with 0 by the deadline; else a sentence, with what
    // the program said of it. `command` begins with "aws". Credentials of the environment are
    // masked.
    [[nodiscard]] std::expected<std::string, std::string> run(
        const std::vector<std::string>& command, deadline by) const;

private:
    aws_program(std::string path, const config::environment& variables);
    [[nodiscard]] std::string masked(std::string text) const;

    std::string path_;
    std::vector<std::string> environment_;  // NAME=value
    std::vector<std::string> secrets_;
};

}  // namespace headroom::tool
