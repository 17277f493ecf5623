// SPDX-License-Identifier: Apache-2.0
#include "chat/core/fenced_code.hpp"

#include <algorithm>

namespace headroom::chat {

namespace {

constexpr std::size_t fence_length_min = 3;
constexpr std::size_t fence_indent_max = 3;  // more is an indented code block

struct fence {
    char mark = '`';
    std::size_t length = 0;
    std::size_t indent = 0;
    std::string_view rest;  // after the marks
};

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<fence> read_fence(std::string_view line) {
    const auto indent = std::min(line.find_first_not_of(' '), line.size());
    if (indent > fence_indent_max || indent == line.size()) return std::nullopt;
    const char mark = line[indent];
    if (mark != '`' && mark != '~') return std::nullopt;
    const auto end = std::min(line.find_first_not_of(mark, indent), line.size());
    if (end - indent < fence_length_min) return std::nullopt;
    return fence{mark, end - indent, indent, line.substr(end)};
}

// A backtick fence with backticks behind it is inline code.
std::optional<fence> read_opening(std::string_view line) {
    auto found = read_fence(line);
    if (found && found->mark == '`' && found->rest.find('`') != std::string_view::npos) {
        return std::nullopt;
    }
    return found;
}

bool closes(std::string_view line, const fence& opening) {
    const auto found = read_fence(line);
    return found && found->mark == opening.mark && found->length >= opening.length &&
           trimmed(found->rest).empty();
}

std::string language_of(std::string_view info) {
    const auto words = trimmed(info);
    std::string language(words.substr(0, words.find_first_of(" \t{,")));
    std::ranges::transform(language, language.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return language;
}

// Lines lose as much indentation as the opening fence has.
std::string_view outdented(std::string_view line, std::size_t indent) {
    const auto blanks = std::min(line.find_first_not_of(' '), line.size());
    return line.substr(std::min(blanks, indent));
}

}  // namespace

std::optional<code_block> first_code_block(std::string_view text) {
    while (!text.empty()) {
        const auto opening = read_opening(take_line(text));
        if (!opening) continue;
        code_block block{.language = language_of(opening->rest), .source = {}};
        while (!text.empty()) {
            const auto line = take_line(text);
            if (closes(line, *opening)) break;
            block.source.append(outdented(line, opening->indent)).append(1, '\n');
        }
        return block;
    }
    return std::nullopt;
}

}  // namespace headroom::chat
