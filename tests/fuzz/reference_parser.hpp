// SPDX-License-Identifier: Apache-2.0
// RESP read the plain way: the whole buffer at once, recursively, one function a type, written from
// the specification and not from resp_parser. Slow on purpose; what resp_parser is measured
// against. https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/core/resp_parser.hpp"
#include "redis/core/value.hpp"

namespace headroom::fuzz {

enum class stream_end : std::uint8_t {
    between_values,  // the bytes are whole values
    in_a_value,      // more is needed
    malformed,       // no server writes this, or a bound is passed
};

struct stream {
    std::vector<redis::value> values;
    stream_end end = stream_end::between_values;
    std::string diverted;  // when strings are: those that are whole replies, as far as they came
};

[[nodiscard]] stream read_stream(std::string_view bytes, const redis::parser_bounds& bounds,
                                 bool diverts_strings);

}  // namespace headroom::fuzz
