// SPDX-License-Identifier: Apache-2.0
#include "redis/core/command.hpp"

#include <algorithm>
#include <charconv>

namespace headroom::redis {

namespace {

constexpr std::size_t header_bytes_max = 24;  // "$18446744073709551615\r\n"

// "<kind><number>\r\n" at `to`; returns its end.
char* write_header(char* to, char kind, std::size_t number) {
    *to++ = kind;
    if (number < 10) {
        *to++ = static_cast<char>('0' + number);
    } else {
        to = std::to_chars(to, to + header_bytes_max, number).ptr;
    }
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

std::size_t header_size(std::size_t number) {
    std::size_t digits = 1;
    for (; number >= 10; number /= 10)
        ++digits;
    return digits + 3;
}

}  // namespace

void command::append(std::string_view argument) {
    auto* const begin = body_.prepare(header_bytes_max + argument.size() + 2);
    auto* at = write_header(begin, '$', argument.size());
    at = std::ranges::copy(argument, at).out;
    *at++ = '\r';
    *at++ = '\n';
    body_.commit(static_cast<std::size_t>(at - begin));
    if (count_ == 0) name_size_ = argument.size();
    ++count_;
}

std::string_view command::name() const {
    const auto body = body_.view();
    return body.substr(body.find('\n') + 1, name_size_);
}

std::string_view command::argument(std::size_t index) const {
    if (index >= count_) return {};
    const auto body = body_.view();
    std::size_t at = 0;
    for (;;) {
        std::size_t size = 0;
        const auto* begin = body.data() + at + 1;
        const auto* digits_end = std::from_chars(begin, body.data() + body.size(), size).ptr;
        const auto text_at = static_cast<std::size_t>(digits_end - body.data()) + 2;
        if (index-- == 0) return body.substr(text_at, size);
        at = text_at + size + 2;
    }
}

std::size_t command::encoded_size() const {
    return header_size(count_) + body_.size();
}

void command::encode_to(std::string& out) const {
    char head[header_bytes_max];
    const auto* end = write_header(head, '*', count_);
    out.append(head, static_cast<std::size_t>(end - head));
    out.append(body_.view());
}

}  // namespace headroom::redis
