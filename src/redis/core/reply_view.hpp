// SPDX-License-Identifier: Apache-2.0
// A reply as it lies in the buffer it was read into, for those who need no copy of it. Not the
// parser: it reads what has come whole and is well-formed, and leaves all else to resp_parser.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "redis/core/value.hpp"

namespace headroom::redis {

// As `value`, but it owns nothing: valid only as long as whoever shows it says.
struct reply_view {
    value_kind kind = value_kind::null;
    std::int64_t integer = 0;
    double number = 0;
    std::string_view text;
    std::span<const reply_view> items;

    [[nodiscard]] bool is_null() const { return kind == value_kind::null; }
    [[nodiscard]] bool is_error() const { return kind == value_kind::error; }
    [[nodiscard]] bool is_string() const { return kind == value_kind::string; }
    [[nodiscard]] bool is_integer() const { return kind == value_kind::integer; }
    [[nodiscard]] bool is_array() const { return kind == value_kind::array; }
};

// Called once with the reply, which is gone when it returns.
using reply_visitor = std::function<void(const reply_view&)>;

// A copy that owns its strings, and whether all of them, errors too, are well-formed UTF-8.
[[nodiscard]] value to_value(const reply_view& from);
[[nodiscard]] bool is_text(const reply_view& tree);

// Makes views; its memory is reused, so that a view is valid until the next one.
class reply_viewer {
public:
    // The reply at the front of `input`, whose bytes are removed; null when it has not come whole,
    // or is in any way unusual (over a bound, a push, an attribute, malformed): `input` is as it
    // was then.
    [[nodiscard]] const reply_view* read(std::string_view& input);
    // Of a value that outlives the view.
    [[nodiscard]] const reply_view& show(const value& whole);

    static constexpr std::size_t elements_max = 512;  // of one reply
    static constexpr std::size_t depth_max = 16;

private:
    // Views refer to their elements by pointer, which holds since the room is made beforehand.
    [[nodiscard]] bool read_into(reply_view& to, std::string_view& input, std::size_t depth);
    [[nodiscard]] bool read_items(reply_view& to, std::size_t count, std::string_view& input,
                                  std::size_t depth);
    void show_into(reply_view& to, const value& from);

    std::vector<reply_view> elements_;
    std::size_t used_ = 0;
    reply_view top_;
};

}  // namespace headroom::redis
