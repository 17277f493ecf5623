// SPDX-License-Identifier: Apache-2.0
// A command, encoded as it is written: an array of bulk strings. Encoding is complete before
// anything is queued, so that a failure half way never leaves a slot without bytes.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "redis/core/byte_buffer.hpp"

namespace headroom::redis {

// command("SET", key, value), or command("SADD").arg(key).arg(member)
class command {
public:
    template <class... Arguments>
    explicit command(std::string_view name, const Arguments&... arguments) {
        append(name);
        (arg(arguments), ...);
    }

    command& arg(std::string_view bytes) {
        append(bytes);
        return *this;
    }
    template <std::integral Integer>
    command& arg(Integer number) {
        char digits[24];
        const auto* end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        append({digits, static_cast<std::size_t>(end - digits)});
        return *this;
    }

    [[nodiscard]] std::size_t argument_count() const { return count_; }
    // The first word as it was given, for error messages and routing.
    [[nodiscard]] std::string_view name() const;
    // A word by its position, the name being 0; empty when there is none. Walks from the front.
    [[nodiscard]] std::string_view argument(std::size_t index) const;
    // The size on the wire, and appending the wire form to `out`.
    [[nodiscard]] std::size_t encoded_size() const;
    void encode_to(std::string& out) const;

private:
    void append(std::string_view argument);

    std::size_t count_ = 0;
    std::size_t name_size_ = 0;
    byte_buffer body_;  // "$3\r\nSET\r\n..." without the array header
};

}  // namespace headroom::redis
