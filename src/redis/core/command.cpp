// SPDX-License-Identifier: Apache-2.0
#include "redis/core/command.hpp"

#include <array>
#include <charconv>

namespace headroom::redis {

namespace {

// "<kind><number>\r\n"; the buffer holds any 64-bit number.
class header {
public:
    header(char kind, std::size_t number) {
        text_[0] = kind;
        auto* end = std::to_chars(text_.data() + 1, text_.data() + text_.size(), number).ptr;
        *end++ = '\r';
        *end++ = '\n';
        size_ = static_cast<std::size_t>(end - text_.data());
    }
    [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }

private:
    std::array<char, 24> text_{};
    std::size_t size_ = 0;
};

}  // namespace

void command::append(std::string_view argument) {
    const header length('$', argument.size());
    body_.reserve(body_.size() + length.view().size() + argument.size() + 2);
    body_.append(length.view());
    if (count_ == 0) name_size_ = argument.size();
    body_.append(argument);
    body_.append("\r\n");
    ++count_;
}

std::string_view command::name() const {
    return std::string_view(body_).substr(body_.find('\n') + 1, name_size_);
}

std::string_view command::argument(std::size_t index) const {
    if (index >= count_) return {};
    std::size_t at = 0;
    for (;;) {
        std::size_t size = 0;
        const auto* begin = body_.data() + at + 1;
        const auto* digits_end = std::from_chars(begin, body_.data() + body_.size(), size).ptr;
        const auto text_at = static_cast<std::size_t>(digits_end - body_.data()) + 2;
        if (index-- == 0) return std::string_view(body_).substr(text_at, size);
        at = text_at + size + 2;
    }
}

std::size_t command::encoded_size() const {
    return header('*', count_).view().size() + body_.size();
}

void command::encode_to(std::string& out) const {
    out.append(header('*', count_).view());
    out.append(body_);
}

}  // namespace headroom::redis
