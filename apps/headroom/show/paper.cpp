// SPDX-License-Identifier: Apache-2.0
#include "headroom/show/paper.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.hpp"

namespace headroom::tool {
namespace {

constexpr std::size_t width_min = 40;
constexpr std::string_view no_ink = "\x1b[0m";
constexpr std::array inks{ink::bold, ink::dim, ink::green, ink::yellow, ink::red};

bool starts_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

std::string_view code_of(ink with) {
    switch (with) {
        case ink::plain:
            return "";
        case ink::bold:
            return "\x1b[1m";
        case ink::dim:
            return "\x1b[2m";
        case ink::green:
            return "\x1b[32m";
        case ink::yellow:
            return "\x1b[33m";
        case ink::red:
            return "\x1b[31m";
    }
    return "";
}

// Of the line end, or the colour where one may be, that `text` begins with; 0: of neither.
std::size_t kept_bytes(std::string_view text, bool may_be_painted) {
    if (text.starts_with('\n')) return 1;
    if (!may_be_painted) return 0;
    if (text.starts_with(no_ink)) return no_ink.size();
    const auto found =
        std::ranges::find_if(inks, [&](ink with) { return text.starts_with(code_of(with)); });
    return found != inks.end() ? code_of(*found).size() : 0;
}

std::string printable(std::string_view text, bool may_be_painted) {
    std::string out;
    while (!text.empty()) {
        if (const auto kept = kept_bytes(text, may_be_painted); kept > 0) {
            out += text.substr(0, kept);
            text.remove_prefix(kept);
            continue;
        }
        const auto piece = text.substr(0, text.find_first_of("\n\x1b", 1));
        out += printable_excerpt(piece, piece.size());
        text.remove_prefix(piece.size());
    }
    return out;
}

std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    if (const char* columns = std::getenv("COLUMNS")) {
        const auto parsed = std::strtoul(columns, nullptr, 10);
        if (parsed > 0 && parsed < unlimited_width) return parsed;
    }
    return 80;
}

}  // namespace

ink ink_of(level of) {
    switch (of) {
        case level::ok:
            return ink::green;
        case level::warning:
            return ink::yellow;
        case level::critical:
            return ink::red;
        case level::unknown:
            return ink::yellow;
    }
    return ink::plain;
}

std::string paper::paint(std::string_view text, ink with) const {
    if (!is_coloured || with == ink::plain) return std::string(text);
    return std::string(code_of(with)) + std::string(text) + std::string(no_ink);
}

paper standard_paper(std::string_view color, bool is_wide) {
    const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org
    const bool is_refused = color == "never" || (no_color != nullptr && *no_color != '\0');
    return {.width = is_wide ? unlimited_width : std::max(width_min, terminal_width()),
            .is_coloured = color == "always" || (!is_refused && ::isatty(STDOUT_FILENO) == 1)};
}

std::string for_terminal(std::string_view text) {
    return printable(text, true);
}

std::string for_plain_terminal(std::string_view text) {
    return printable(text, false);
}

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

std::size_t painted_columns_of(std::string_view text) {
    std::size_t columns = columns_of(text);
    for (auto at = text.find("\x1b["); at != std::string_view::npos; at = text.find("\x1b[", at)) {
        const auto end = std::min(text.find('m', at), text.size() - 1);
        columns -= columns_of(text.substr(at, end + 1 - at));
        at = end + 1;
    }
    return columns;
}

std::string cut_to(std::string_view text, std::size_t columns) {
    if (columns_of(text) <= columns) return std::string(text);
    if (columns == 0) return {};
    std::size_t taken = 0;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if (starts_character(text[at]) && taken++ == columns - 1) break;
    }
    return std::string(text.substr(0, at)) + "…";
}

std::string cut_painted(std::string_view text, std::size_t columns) {
    std::string out;
    std::size_t taken = 0;
    std::size_t at_last = 0;  // where in `out` the last character that fits begins
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.substr(at).starts_with("\x1b[") ? text.find('m', at) : at;
        if (end == std::string_view::npos) break;
        if (end > at) {
            out += text.substr(at, end + 1 - at);
            at = end + 1;
            continue;
        }
        if (starts_character(text[at])) {
            if (taken == columns) {
                const bool is_painted = out.find('\x1b') != std::string::npos;
                out.resize(at_last);
                return columns == 0 ? "" : out + "…" + (is_painted ? "\x1b[0m" : "");
            }
            at_last = out.size();
            ++taken;
        }
        out += text[at++];
    }
    return out;
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent, std::size_t from) {
    std::string out;
    std::size_t column = from;
    bool is_line_empty = true;
    while (!text.empty()) {
        const auto end = text.find(' ');
        const auto word = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const auto size = columns_of(word);
        if (!is_line_empty && column + 1 + size > width) {
            out += '\n';
            out.append(indent, ' ');
            column = indent;
        } else if (!is_line_empty) {
            out += ' ';
            ++column;
        }
        out += word;
        column += size;
        is_line_empty = false;
    }
    return out;
}

}  // namespace headroom::tool
