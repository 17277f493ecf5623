// SPDX-License-Identifier: Apache-2.0
// Where a command's text goes: its width, and whether it may be coloured. Colour says nothing that
// the words do not.
#pragma once

#include <string>
#include <string_view>

#include "headroom/show/level.hpp"

namespace headroom::tool {

enum class ink { plain, bold, dim, green, yellow, red };

[[nodiscard]] ink ink_of(level of);

struct paper {
    std::size_t width = 80;
    bool is_coloured = false;

    [[nodiscard]] std::string paint(std::string_view text, ink with) const;
};

struct screen_size {
    std::size_t columns = 80;
    std::size_t lines = 24;
    bool operator==(const screen_size&) const = default;
};

inline constexpr std::size_t unlimited_width = 1U << 20;

// Of standard output: a terminal's width, else COLUMNS, else 80. Colours on a terminal, unless
// NO_COLOR is set or `color` is "never"; "always" wins over both.
[[nodiscard]] paper standard_paper(std::string_view color, bool is_wide);

// What may be written to a terminal: characters of well-formed UTF-8, line ends, and the colours of
// paint(). Anything else becomes '?', so that no name or answer of a server commands the terminal,
// and what is JSON stays UTF-8.
[[nodiscard]] std::string for_terminal(std::string_view text);
// The same for what is never painted.
[[nodiscard]] std::string for_plain_terminal(std::string_view text);

// How many columns a text takes: one for each character, as UTF-8.
[[nodiscard]] std::size_t columns_of(std::string_view text);
// The same of a text that was painted: colours take none.
[[nodiscard]] std::size_t painted_columns_of(std::string_view text);
// At most so many columns, marked with "…" where it was cut.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t columns);
// The same for a text that was painted: colours take no columns, and none goes on behind it.
[[nodiscard]] std::string cut_painted(std::string_view text, std::size_t columns);
// Broken between words into lines, each but the first indented; the first begins at column `from`.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t width, std::size_t indent,
                               std::size_t from = 0);

}  // namespace headroom::tool
