// SPDX-License-Identifier: Apache-2.0
#include "redis/core/reply_view.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace headroom::redis {

namespace {

// The text of a line, whose end is removed with it; empty when the line has not come whole.
std::optional<std::string_view> take_line(std::string_view& input) {
    constexpr std::size_t line_bytes_max = 1024;
    const auto end = input.substr(0, line_bytes_max).find('\r');
    if (end == std::string_view::npos || end + 1 >= input.size() || input[end + 1] != '\n') {
        return std::nullopt;
    }
    const auto line = input.substr(0, end);
    if (line.contains('\n')) return std::nullopt;
    input.remove_prefix(end + 2);
    return line;
}

// Up to nine digits without a leading zero, so that nothing overflows.
std::optional<std::size_t> to_length(std::string_view digits) {
    if (digits.empty() || digits.size() > 9) return std::nullopt;
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    std::size_t number = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + static_cast<std::size_t>(c - '0');
    }
    return number;
}

std::size_t elements_of(const value& tree) {
    auto sum = tree.items.size();
    for (const auto& each : tree.items)
        sum += elements_of(each);
    return sum;
}

}  // namespace

value to_value(const reply_view& from) {
    value to;
    to.kind = from.kind;
    to.integer = from.integer;
    to.number = from.number;
    to.text = from.text;
    to.items.reserve(from.items.size());
    for (const auto& each : from.items)
        to.items.push_back(to_value(each));
    return to;
}

bool is_text(const reply_view& tree) {
    return is_utf8(tree.text) &&
           std::ranges::all_of(tree.items, [](const reply_view& each) { return is_text(each); });
}

const reply_view* reply_viewer::read(std::string_view& input) {
    elements_.resize(elements_max);
    used_ = 0;
    auto rest = input;
    if (!read_into(top_, rest, 0)) return nullptr;
    input = rest;
    return &top_;
}

bool reply_viewer::read_into(reply_view& to, std::string_view& input, std::size_t depth) {
    const auto line = take_line(input);
    if (!line || line->empty()) return false;
    const auto text = line->substr(1);
    to = {};
    switch (line->front()) {
        case '+':
            to.kind = value_kind::string;
            to.text = text;
            return true;
        case '-':
            to.kind = value_kind::error;
            to.text = text;
            return true;
        case '_':
            return text.empty();
        case ':': {
            const bool is_negative = text.starts_with('-');
            const auto number = to_length(text.substr(is_negative ? 1 : 0));
            if (!number) return false;
            to.kind = value_kind::integer;
            to.integer = static_cast<std::int64_t>(*number) * (is_negative ? -1 : 1);
            return true;
        }
        case '$': {
            if (text == "-1") return true;
            const auto size = to_length(text);
            if (!size || input.size() < *size + 2) return false;
            if (input[*size] != '\r' || input[*size + 1] != '\n') return false;
            to.kind = value_kind::string;
            to.text = input.substr(0, *size);
            input.remove_prefix(*size + 2);
            return true;
        }
        case '*':
        case '~':
        case '%': {
            if (*line == "*-1") return true;
            const auto count = to_length(text);
            if (!count) return false;
            to.kind = line->front() == '*'   ? value_kind::array
                      : line->front() == '~' ? value_kind::set
                                             : value_kind::map;
            return read_items(to, line->front() == '%' ? *count * 2 : *count, input, depth + 1);
        }
        default:
            return false;
    }
}

bool reply_viewer::read_items(reply_view& to, std::size_t count, std::string_view& input,
                              std::size_t depth) {
    if (depth > depth_max || count > elements_max - used_) return false;
    const std::span<reply_view> items(elements_.data() + used_, count);
    used_ += count;
    for (auto& each : items) {
        if (!read_into(each, input, depth)) return false;
    }
    to.items = items;
    return true;
}

const reply_view& reply_viewer::show(const value& whole) {
    elements_.resize(std::max(elements_max, elements_of(whole)));
    used_ = 0;
    show_into(top_, whole);
    return top_;
}

void reply_viewer::show_into(reply_view& to, const value& from) {
    to = {from.kind, from.integer, from.number, from.text, {}};
    const std::span<reply_view> items(elements_.data() + used_, from.items.size());
    used_ += items.size();
    for (std::size_t i = 0; i < items.size(); ++i)
        show_into(items[i], from.items[i]);
    to.items = items;
}

}  // namespace headroom::redis
