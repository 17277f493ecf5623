// SPDX-License-Identifier: Apache-2.0
#include "fuzz/reference_parser.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace headroom::fuzz {

namespace {

using redis::value;
using redis::value_kind;

struct malformed {};
struct more_needed {};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t digits_at(std::string_view text, std::size_t at) {
    std::size_t count = 0;
    while (at + count < text.size() && is_digit(text[at + count]))
        ++count;
    return count;
}

// [+-]digits, within 64 bits.
std::int64_t integer_of(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty() || digits_at(text, 0) != text.size()) throw malformed{};
    std::uint64_t size = 0;
    const std::uint64_t size_max = is_negative ? 9'223'372'036'854'775'808U : INT64_MAX;
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (size > (size_max - digit) / 10) throw malformed{};
        size = size * 10 + digit;
    }
    return static_cast<std::int64_t>(is_negative ? 0 - size : size);
}

// [+-] and digits with an optional fraction and exponent, or inf, or nan.
double number_of(std::string_view text) {
    const auto whole = std::string(text);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text == "inf" || text == "nan") return std::strtod(whole.c_str(), nullptr);
    const auto integral = digits_at(text, 0);
    auto at = integral;
    bool has_digits = integral > 0;
    bool is_zero = text.substr(0, integral).find_first_not_of('0') == std::string_view::npos;
    if (at < text.size() && text[at] == '.') {
        const auto fraction = digits_at(text, ++at);
        has_digits = has_digits || fraction > 0;
        is_zero = is_zero && text.substr(at, fraction).find_first_not_of('0') == text.npos;
        at += fraction;
    }
    if (!has_digits) throw malformed{};
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
        const auto exponent = digits_at(text, at);
        if (exponent == 0) throw malformed{};
        at += exponent;
    }
    if (at != text.size()) throw malformed{};
    const double number = std::strtod(whole.c_str(), nullptr);
    // No double is that large or that small.
    if (std::isinf(number) || (number == 0 && !is_zero)) throw malformed{};
    return number;
}

// Digits without a leading zero.
std::size_t length_of(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) throw malformed{};
    if (digits_at(text, 0) != text.size() || text.size() > 20) throw malformed{};
    std::size_t length = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::size_t>(c - '0');
        if (length > (SIZE_MAX - digit) / 10) throw malformed{};
        length = length * 10 + digit;
    }
    return length;
}

value make(value_kind kind, std::string_view text = {}) {
    value v;
    v.kind = kind;
    v.text = text;
    return v;
}

class reader {
public:
    reader(std::string_view bytes, const redis::parser_bounds& bounds, bool diverts)
        : bytes_(bytes), bounds_(bounds), diverts_(diverts) {}

    stream read() {
        stream out;
        try {
            for (;;) {
                begin_ = at_;
                elements_ = 0;
                auto v = read_value(0);
                if (at_ - begin_ > bounds_.reply_bytes_max) throw malformed{};
                out.values.push_back(std::move(v));
            }
        } catch (const more_needed&) {
            const bool is_between = begin_ == bytes_.size();
            const bool is_too_long = bytes_.size() - begin_ > bounds_.reply_bytes_max;
            out.end = is_too_long  ? stream_end::malformed
                      : is_between ? stream_end::between_values
                                   : stream_end::in_a_value;
        } catch (const malformed&) {
            out.end = stream_end::malformed;
        }
        out.diverted = std::move(diverted_);
        return out;
    }

private:
    // Without its CR LF; at least the byte that says its type.
    std::string_view read_line() {
        const auto rest = bytes_.substr(at_);
        const auto end = rest.find('\n');
        const auto size = end == rest.npos ? rest.size() : end + 1;
        if (size > bounds_.line_bytes_max) throw malformed{};
        if (end == rest.npos) throw more_needed{};
        at_ += size;
        if (size < 3 || rest[end - 1] != '\r') throw malformed{};
        return rest.substr(0, end - 1);
    }

    // Attributes come before what they decorate, count as part of its reply and are dropped.
    value read_value(std::size_t depth) {
        for (;;) {
            const auto line = read_line();
            if (line.front() != '|') return read_value(line, depth);
            (void)read_aggregate(line, depth);
        }
    }

    value read_value(std::string_view line, std::size_t depth) {
        const auto text = line.substr(1);
        switch (line.front()) {
            case '+':
                return make(value_kind::string, text);
            case '-':
                return make(value_kind::error, text);
            case ':': {
                auto v = make(value_kind::integer);
                v.integer = integer_of(text);
                return v;
            }
            case ',': {
                auto v = make(value_kind::number);
                v.number = number_of(text);
                return v;
            }
            case '(':
                return read_big_number(text);
            case '#':
                return read_boolean(text);
            case '_':
                if (!text.empty()) throw malformed{};
                return value{};
            case '$':
            case '=':
            case '!':
                return read_bulk(line, depth);
            case '*':
            case '~':
            case '%':
            case '>':
                return read_aggregate(line, depth);
            default:
                throw malformed{};
        }
    }

    value read_boolean(std::string_view text) {
        if (text != "t" && text != "f") throw malformed{};
        auto v = make(value_kind::boolean);
        v.integer = text == "t" ? 1 : 0;
        return v;
    }

    value read_big_number(std::string_view text) {
        const std::size_t sign = text.starts_with('-') ? 1 : 0;
        const auto digits = digits_at(text, sign);
        if (digits == 0 || sign + digits != text.size()) throw malformed{};
        return make(value_kind::string, text);
    }

    value read_bulk(std::string_view line, std::size_t depth) {
        if (line == "$-1") return value{};
        const char kind = line.front();
        const auto size = length_of(line.substr(1));
        if (size > bounds_.bulk_bytes_max || (kind == '=' && size < 4)) throw malformed{};
        const std::size_t format = kind == '=' ? 4 : 0;  // "txt:"
        const bool is_diverted = diverts_ && depth == 0 && kind != '!';
        const auto rest = bytes_.substr(at_);
        auto text = rest.substr(0, size);
        text.remove_prefix(std::min(format, text.size()));
        if (is_diverted) diverted_ += text;
        if (rest.size() < 2 || rest.size() - 2 < size) throw more_needed{};
        if (rest.substr(size, 2) != "\r\n") throw malformed{};
        if (kind == '=' && rest[3] != ':') throw malformed{};
        at_ += size + 2;
        if (is_diverted) text = {};
        return make(kind == '!' ? value_kind::error : value_kind::string, text);
    }

    static value_kind kind_of(char sign) {
        switch (sign) {
            case '~':
                return value_kind::set;
            case '%':
                return value_kind::map;
            case '>':
                return value_kind::push;
            default:
                return value_kind::array;
        }
    }

    value read_aggregate(std::string_view line, std::size_t depth) {
        if (line == "*-1") return value{};
        const char kind = line.front();
        auto count = length_of(line.substr(1));
        // A map's announcement is counted as it is, before its pairs are two elements each.
        if (count > bounds_.elements_max / 2) throw malformed{};
        if (elements_ + count * 2 > bounds_.elements_max) throw malformed{};
        if (kind == '%' || kind == '|') count *= 2;
        elements_ += count;
        if (count > 0 && depth >= bounds_.depth_max) throw malformed{};
        auto v = make(kind_of(kind));
        while (count-- > 0)
            v.items.push_back(read_value(depth + 1));
        return v;
    }

    std::string_view bytes_;
    const redis::parser_bounds& bounds_;
    bool diverts_;
    std::size_t at_ = 0;
    std::size_t begin_ = 0;     // of the reply, its attributes included
    std::size_t elements_ = 0;  // announced by the reply
    std::string diverted_;
};

}  // namespace

stream read_stream(std::string_view bytes, const redis::parser_bounds& bounds,
                   bool diverts_strings) {
    return reader(bytes, bounds, diverts_strings).read();
}

}  // namespace headroom::fuzz
