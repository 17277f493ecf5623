// SPDX-License-Identifier: Apache-2.0
// From a reply to what a caller wanted to know: integers, strings, fields, stream entries; nothing
// where the reply is of another kind. Both protocols: what RESP3 tells as a map or a boolean, RESP2
// tells as an array or an integer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/core/value.hpp"

namespace headroom::redis {

// How a reply becomes a T. The strings are moved out of the reply.
template <class T>
struct reply_reader {
    std::string_view expected;         // "an integer", for the error of who gets another kind
    std::optional<T> (*read)(value&);  // empty: it is not what was expected
};

// What a null or an array is called in an error message: "nothing", "an array of 3".
[[nodiscard]] std::string describe_kind(const value& reply);

using field_pair = std::pair<std::string, std::string>;

struct stream_entry {
    std::string id;
    std::vector<field_pair> fields;  // in their order; empty when the entry has been deleted
    bool operator==(const stream_entry&) const = default;
};

struct stream_page {
    std::string key;
    std::vector<stream_entry> entries;
    bool operator==(const stream_page&) const = default;
};

struct key_lifetime {
    bool exists = false;
    std::optional<std::chrono::milliseconds> left;  // empty: it lives until it is deleted
    bool operator==(const key_lifetime&) const = default;
};

namespace reply {

extern const reply_reader<std::int64_t> integer;
extern const reply_reader<std::uint64_t> count;       // an integer that is not negative
extern const reply_reader<bool> flag;                 // 0, 1, or a boolean
extern const reply_reader<bool> is_done;              // false for a null: SET ... NX
extern const reply_reader<std::string> text;          // a string, as it came
extern const reply_reader<std::uint64_t> digits;      // a string that is a decimal number
extern const reply_reader<std::vector<value>> items;  // any elements, of an array or a set
extern const reply_reader<std::optional<std::string>> optional_text;
extern const reply_reader<std::vector<std::string>> texts;
extern const reply_reader<std::vector<std::optional<std::string>>> optional_texts;
extern const reply_reader<std::vector<field_pair>> fields;  // HGETALL, CONFIG GET
extern const reply_reader<key_lifetime> lifetime;           // PTTL
extern const reply_reader<std::vector<stream_entry>> entries;
extern const reply_reader<std::vector<stream_page>> pages;              // a null is none
extern const reply_reader<std::chrono::system_clock::time_point> time;  // TIME
extern const reply_reader<std::string> role;                            // the first word of ROLE

}  // namespace reply

}  // namespace headroom::redis
