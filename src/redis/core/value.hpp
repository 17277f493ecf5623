// SPDX-License-Identifier: Apache-2.0
// One reply of a Redis server, as a tree. Not the parser.
// Types: https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headroom::redis {

enum class value_kind : std::uint8_t {
    null,
    string,  // blob, simple, verbatim (without its format prefix) and big number
    error,   // text is the whole message, "READONLY You can't write ..."
    integer,
    number,   // RESP3 double
    boolean,  // integer is 0 or 1
    array,
    set,
    map,  // items alternate key, value
    push,
};

struct value {
    value_kind kind = value_kind::null;
    std::int64_t integer = 0;
    double number = 0;
    std::string text;
    std::vector<value> items;

    [[nodiscard]] bool is_null() const { return kind == value_kind::null; }
    [[nodiscard]] bool is_error() const { return kind == value_kind::error; }
    [[nodiscard]] bool is_string() const { return kind == value_kind::string; }
    [[nodiscard]] bool is_integer() const { return kind == value_kind::integer; }
    [[nodiscard]] bool is_array() const { return kind == value_kind::array; }

    bool operator==(const value&) const = default;
};

// Every string in the tree, errors too, is well-formed UTF-8.
[[nodiscard]] bool is_text(const value& tree);

}  // namespace headroom::redis
