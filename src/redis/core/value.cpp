// SPDX-License-Identifier: Apache-2.0
#include "redis/core/value.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace headroom::redis {

// As deep as the parser lets a reply be.
bool is_text(const value& tree) {
    return is_utf8(tree.text) &&
           std::ranges::all_of(tree.items, [](const value& each) { return is_text(each); });
}

}  // namespace headroom::redis
