// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/core/error_tail.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/text.hpp"

namespace headroom::chat {
namespace {

constexpr std::size_t lines_max = 4;
constexpr std::size_t line_bytes_max = 300;

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view white = " \t\r";
    const auto first = line.find_first_not_of(white);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(white) - first + 1);
}

}  // namespace

std::string with_error_tail(std::string_view sentence, std::string_view tail) {
    std::vector<std::string> lines;
    while (!tail.empty() && lines.size() < lines_max) {
        const std::size_t end = tail.rfind('\n');
        const std::size_t start = end == std::string_view::npos ? 0 : end + 1;
        const std::string_view line = trimmed(tail.substr(start));
        if (!line.empty()) lines.push_back(printable_excerpt(line, line_bytes_max));
        tail = tail.substr(0, end == std::string_view::npos ? 0 : end);
    }
    std::string text(sentence);
    std::string_view separator = ": ";
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        text += separator;
        text += *line;
        separator = " | ";
    }
    return text;
}

}  // namespace headroom::chat
