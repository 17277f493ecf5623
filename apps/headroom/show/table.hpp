// SPDX-License-Identifier: Apache-2.0
// Columns under headers, cut so that a line fits the paper.
#pragma once

#include <string>
#include <vector>

#include "headroom/show/paper.hpp"

namespace headroom::tool {

enum class align { left, right };

struct column {
    std::string header;
    align to = align::left;
    std::size_t width_min = 0;  // cut down to this when the line is too long; 0: never cut
};

struct cell {
    std::string text;
    ink with = ink::plain;
};

class table {
public:
    explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

    void add(std::vector<cell> row);
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    // As if it had never been there.
    void remove(std::size_t column);
    // Of a line, when all is cut that may be.
    [[nodiscard]] std::size_t width_least() const;
    // With a line of headers, unless all are empty. Columns are two spaces apart; no line ends in a
    // space.
    [[nodiscard]] std::string render(const paper& on, std::size_t indent = 0) const;

private:
    [[nodiscard]] std::vector<std::size_t> widths_wanted() const;
    [[nodiscard]] std::vector<std::size_t> widths(std::size_t room) const;

    std::vector<column> columns_;
    std::vector<std::vector<cell>> rows_;
};

}  // namespace headroom::tool
