// SPDX-License-Identifier: Apache-2.0
// Replies in a few letters, for tests of what reads them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "redis/core/value.hpp"

namespace headroom::test {

[[nodiscard]] inline redis::value text(std::string bytes,
                                       redis::value_kind kind = redis::value_kind::string) {
    redis::value made;
    made.kind = kind;
    made.text = std::move(bytes);
    return made;
}

[[nodiscard]] inline redis::value fault(std::string message) {
    return text(std::move(message), redis::value_kind::error);
}

[[nodiscard]] inline redis::value integer(std::int64_t number,
                                          redis::value_kind kind = redis::value_kind::integer) {
    redis::value made;
    made.kind = kind;
    made.integer = number;
    return made;
}

[[nodiscard]] inline redis::value list(std::vector<redis::value> items,
                                       redis::value_kind kind = redis::value_kind::array) {
    redis::value made;
    made.kind = kind;
    made.items = std::move(items);
    return made;
}

}  // namespace headroom::test
