// SPDX-License-Identifier: Apache-2.0
// In which order groups of connections are shown.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/core/holder_groups.hpp"

namespace headroom::tool {

enum class holder_order : std::uint8_t {
    connections,
    redis,
    postgres,
    age,
    idle,
    in_transaction,
    output_buffer,
    name,
};

// "connections", "in_tx", "output_buffer": as --sort takes it and screens show it.
[[nodiscard]] std::string_view to_string(holder_order order);
// The error names what there is.
[[nodiscard]] std::expected<holder_order, std::string> parse_holder_order(const std::string& word);
// Round and round.
[[nodiscard]] holder_order next(holder_order order);
[[nodiscard]] holder_order previous(holder_order order);

// Most first, names from A to Z; `reversed` the other way round. Equal ones by name, from A to Z.
void sort_groups(std::vector<inspect::holder_group>& all, holder_order by, bool reversed = false);

}  // namespace headroom::tool
