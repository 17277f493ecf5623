// SPDX-License-Identifier: Apache-2.0
#include "redis/core/resp_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/assert.hpp"

namespace headroom::redis {

namespace {

template <class Number>
bool parse_whole(std::string_view text, Number& out) {
    const auto* end = text.data() + text.size();
    const auto [at, ec] = std::from_chars(text.data(), end, out);
    return ec == std::errc{} && at == end;
}

// Digits only, no leading zero: anything else is no length a server writes.
bool parse_length(std::string_view text, std::size_t& out) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
    return parse_whole(text, out);
}

bool parse_integer(std::string_view text, std::int64_t& out) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return false;
    }
    return parse_whole(text, out);
}

// Of the words that from_chars takes ("infinity", "nan(7)", capitals) servers write "inf" and
// "nan", some versions "-nan".
bool parse_number(std::string_view text, double& out) {
    const auto unsigned_text = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
    const bool is_number =
        !unsigned_text.empty() &&
        ((unsigned_text.front() >= '0' && unsigned_text.front() <= '9') ||
         unsigned_text.front() == '.' || unsigned_text == "inf" || unsigned_text == "nan");
    return is_number && parse_whole(text.starts_with('+') ? unsigned_text : text, out);
}

// What came from outside, safe to print in one line.
std::string shown(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 32)) {
        if (c >= ' ' && c <= '~') {
            out += c;
        } else {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return text.size() > 32 ? out + "..." : out;
}

value make(value_kind kind, std::string text = {}) {
    value v;
    v.kind = kind;
    v.text = std::move(text);
    return v;
}

}  // namespace

resp_parser::progress resp_parser::read(std::string_view& input, value& into) {
    if (read_at_once(input, into)) return progress::complete;
    while (!fault_ && !done_) {
        const auto before = input.size();
        const bool goes_on = step(input);
        bytes_ += before - input.size();
        if (bytes_ > bounds_.reply_bytes_max) {
            fail(fmt::format("a reply is longer than {} bytes", bounds_.reply_bytes_max));
        }
        if (!goes_on) break;
    }
    if (fault_) return progress::faulty;
    if (!done_) return progress::needs_more;
    bytes_ = 0;
    elements_ = 0;
    into = std::move(*done_);
    done_.reset();
    return progress::complete;
}

std::expected<std::optional<value>, protocol_fault> resp_parser::next(std::string_view& input) {
    value v;
    switch (read(input, v)) {
        case progress::complete:
            return v;
        case progress::needs_more:
            return std::nullopt;
        case progress::faulty:
            break;
    }
    return std::unexpected(fault());
}

// Strings, statuses and integers that answer most commands. Whatever is unusual about one, its
// size, its spelling or a bound, is left to step(), which says what is wrong with it.
bool resp_parser::read_at_once(std::string_view& input, value& into) const {
    constexpr std::size_t number_bytes_max = 8;  // so no overflow
    if (input.size() < 4 || !is_between_values() || sink_ || fault_ || done_) return false;
    const char kind = input.front();
    if (kind != '$' && kind != ':' && kind != '+') return false;

    const auto line_end = input.substr(0, 64).find('\r');
    if (line_end == std::string_view::npos || line_end + 1 >= input.size() ||
        input[line_end + 1] != '\n' || line_end + 2 > bounds_.line_bytes_max) {
        return false;
    }
    const auto text = input.substr(1, line_end - 1);
    std::size_t used = line_end + 2;
    std::size_t number = 0;
    if (kind == '+') {
        if (text.contains('\n')) return false;
    } else {
        if (text.empty() || text.size() > number_bytes_max) return false;
        if (text.size() > 1 && text.front() == '0') return false;
        for (const char c : text) {
            if (c < '0' || c > '9') return false;
            number = number * 10 + static_cast<std::size_t>(c - '0');
        }
    }
    std::string_view payload = text;
    if (kind == '$') {
        if (number > bounds_.bulk_bytes_max || input.size() - used < number + 2) return false;
        payload = input.substr(used, number);
        if (input[used + number] != '\r' || input[used + number + 1] != '\n') return false;
        used += number + 2;
    }
    if (used > bounds_.reply_bytes_max) return false;

    into.number = 0;
    if (!into.items.empty()) into.items.clear();
    if (kind == ':') {
        into.kind = value_kind::integer;
        into.integer = static_cast<std::int64_t>(number);
        into.text.clear();
    } else {
        into.kind = value_kind::string;
        into.integer = 0;
        into.text.assign(payload);
    }
    input.remove_prefix(used);
    return true;
}

bool resp_parser::step(std::string_view& input) {
    if (in_bulk_) return take_bulk(input);
    std::string_view line;
    if (!take_line(input, line)) return false;
    const bool goes_on = on_line(line, input.size());
    line_.clear();
    return goes_on;
}

bool resp_parser::take_line(std::string_view& input, std::string_view& line) {
    const auto end = input.find('\n');
    const auto used = end == std::string_view::npos ? input.size() : end + 1;
    if (line_.size() + used > bounds_.line_bytes_max) {
        return fail(fmt::format("a line is longer than {} bytes", bounds_.line_bytes_max));
    }
    if (end == std::string_view::npos) {
        line_.append(input);
        input = {};
        return false;
    }
    if (line_.empty()) {
        line = input.substr(0, used);
    } else {
        line_.append(input.substr(0, used));
        line = line_;
    }
    input.remove_prefix(used);
    if (line.size() < 3 || line[line.size() - 2] != '\r') {
        return fail("a line does not end in CR LF: '" + shown(line) + "'");
    }
    line.remove_suffix(2);
    return true;
}

bool resp_parser::on_line(std::string_view line, std::size_t available) {
    const char kind = line.front();
    const auto text = line.substr(1);
    switch (kind) {
        case '+':
            finish(make(value_kind::string, std::string(text)));
            return true;
        case '-':
            finish(make(value_kind::error, std::string(text)));
            return true;
        case ':': {
            auto v = make(value_kind::integer);
            if (!parse_integer(text, v.integer)) {
                return fail("not an integer: '" + shown(line) + "'");
            }
            finish(std::move(v));
            return true;
        }
        case ',':
            return set_number(text);
        case '#': {
            if (text != "t" && text != "f") return fail("not a boolean: '" + shown(line) + "'");
            auto v = make(value_kind::boolean);
            v.integer = text == "t" ? 1 : 0;
            finish(std::move(v));
            return true;
        }
        case '(': {
            const auto digits = text.substr(text.starts_with('-') ? 1 : 0);
            const bool is_number = !digits.empty() && std::ranges::all_of(digits, [](char c) {
                return c >= '0' && c <= '9';
            });
            if (!is_number) return fail("not a big number: '" + shown(line) + "'");
            finish(make(value_kind::string, std::string(text)));
            return true;
        }
        case '_':
            if (!text.empty()) return fail("not a null: '" + shown(line) + "'");
            finish(value{});
            return true;
        case '$':
        case '=':
        case '!':
            return begin_bulk(line);
        case '*':
        case '~':
        case '%':
        case '>':
        case '|':
            return begin_aggregate(line, available);
        default:
            return fail("no reply begins like this: '" + shown(line) + "'");
    }
}

bool resp_parser::set_number(std::string_view text) {
    auto v = make(value_kind::number);
    if (!parse_number(text, v.number)) {
        return fail("not a number: '," + shown(text) + "'");
    }
    finish(std::move(v));
    return true;
}

bool resp_parser::begin_bulk(std::string_view line) {
    if (line == "$-1") {
        finish(value{});
        return true;
    }
    if (line.ends_with('?')) {
        return fail("streamed strings are not supported: '" + shown(line) + "'");
    }
    std::size_t size = 0;
    if (!parse_length(line.substr(1), size)) {
        return fail("not a length: '" + shown(line) + "'");
    }
    if (size > bounds_.bulk_bytes_max) {
        return fail(fmt::format("a string of {} bytes; at most {}", size, bounds_.bulk_bytes_max));
    }
    in_bulk_ = true;
    bulk_kind_ = line.front();
    bulk_remaining_ = size + 2;
    bulk_.clear();
    is_diverted_ = sink_ && stack_.empty() && bulk_kind_ != '!';
    const bool has_format = bulk_kind_ == '=';  // "txt:" or "mkd:" says how to show it
    if (has_format && size < 4) return fail("a verbatim string has no format");
    format_remaining_ = has_format && is_diverted_ ? 4 : 0;
    return true;
}

bool resp_parser::take_bulk(std::string_view& input) {
    if (input.empty()) return false;
    const auto take = std::min(input.size(), bulk_remaining_);
    // Grows with what has come, not with what was announced. The CR LF is read along and cut off.
    const auto bytes = input.substr(0, take);
    bulk_.append(is_diverted_ ? divert(bytes) : bytes);
    input.remove_prefix(take);
    bulk_remaining_ -= take;
    return bulk_remaining_ == 0 && finish_bulk();
}

void resp_parser::divert_strings(std::function<void(std::string_view)> sink) {
    HEADROOM_ASSERT(is_between_values(), "a string is diverted whole or not at all");
    sink_ = std::move(sink);
}

// Gives the sink what is its own of `bytes`; the format in front is kept, the rest is the CR LF.
std::string_view resp_parser::divert(std::string_view bytes) {
    auto own = bytes.substr(0, bulk_remaining_ > 2 ? bulk_remaining_ - 2 : 0);
    bytes.remove_prefix(own.size());
    const auto format = own.substr(0, format_remaining_);
    bulk_.append(format);
    own.remove_prefix(format.size());
    format_remaining_ -= format.size();
    if (!own.empty()) sink_(own);
    return bytes;
}

bool resp_parser::finish_bulk() {
    if (!bulk_.ends_with("\r\n")) return fail("a string is longer than its length");
    bulk_.resize(bulk_.size() - 2);
    in_bulk_ = false;
    if (bulk_kind_ == '=') {
        if (bulk_[3] != ':') return fail("a verbatim string has no format");
        bulk_.erase(0, 4);
    }
    finish(make(bulk_kind_ == '!' ? value_kind::error : value_kind::string, std::move(bulk_)));
    bulk_ = {};
    return true;
}

bool resp_parser::begin_aggregate(std::string_view line, std::size_t available) {
    const char kind = line.front();
    if (line == "*-1") {
        finish(value{});
        return true;
    }
    if (line.ends_with('?')) {
        return fail("streamed aggregates are not supported: '" + shown(line) + "'");
    }
    std::size_t count = 0;
    if (!parse_length(line.substr(1), count)) {
        return fail("not a number of elements: '" + shown(line) + "'");
    }
    if (count > bounds_.elements_max / 2 || elements_ + count * 2 > bounds_.elements_max) {
        return fail(
            fmt::format("a reply of {} elements; at most {}", count, bounds_.elements_max / 2));
    }
    if (kind == '%' || kind == '|') count *= 2;
    elements_ += count;

    auto aggregate = make(kind == '~'   ? value_kind::set
                          : kind == '%' ? value_kind::map
                          : kind == '>' ? value_kind::push
                                        : value_kind::array);
    const bool is_attribute = kind == '|';
    if (count == 0) {
        if (!is_attribute) finish(std::move(aggregate));
        return true;
    }
    if (stack_.size() >= bounds_.depth_max) {
        return fail(fmt::format("aggregates are nested more than {} deep", bounds_.depth_max));
    }
    // No more than the bytes at hand can fill, as the shortest element is three bytes long.
    aggregate.items.reserve(std::min({count, available / 3 + 1, std::size_t{256}}));
    stack_.push_back(frame{std::move(aggregate), count, is_attribute});
    return true;
}

void resp_parser::finish(value&& done) {
    value current = std::move(done);
    while (!stack_.empty()) {
        auto& top = stack_.back();
        if (!top.is_attribute) top.aggregate.items.push_back(std::move(current));
        if (--top.remaining > 0) return;
        const bool was_attribute = top.is_attribute;
        current = std::move(top.aggregate);
        stack_.pop_back();
        if (was_attribute) return;  // what it decorates comes next
    }
    done_ = std::move(current);
}

bool resp_parser::fail(std::string reason) {
    if (!fault_) fault_ = protocol_fault{std::move(reason)};
    return false;
}

}  // namespace headroom::redis
