// SPDX-License-Identifier: Apache-2.0
// How --help looks: texts broken between words, so that a line fits 80 columns.
#pragma once

#include <sstream>
#include <string>

#include <CLI/CLI.hpp>

#include "headroom/show/paper.hpp"

namespace headroom::tool {

class help_formatter final : public CLI::Formatter {
public:
    std::string make_option_desc(const CLI::Option* option) const override {
        // CLI11 indents what follows a line's end.
        return wrap(option->get_description(), width - get_column_width(), 0);
    }
    std::string make_footer(const CLI::App* app) const override {
        std::istringstream lines(CLI::Formatter::make_footer(app));
        std::string fitted;
        for (std::string line; std::getline(lines, line);)
            fitted += (columns_of(line) > width ? wrap(line, width, 0) : line) + "\n";
        return fitted;
    }

private:
    static constexpr std::size_t width = 80;
};

}  // namespace headroom::tool
