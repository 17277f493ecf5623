// SPDX-License-Identifier: Apache-2.0
// The text of INFO as fields. Not which of them matter: that is redis_limits.hpp.
// https://redis.io/docs/latest/commands/info/
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::inspect {

class redis_info {
public:
    // Lines that are no "field:value" are skipped: modules add their own. Of a field given twice
    // the first counts.
    [[nodiscard]] static redis_info parse(std::string_view text);

    // Empty when the server does not tell it.
    [[nodiscard]] std::optional<std::string_view> text(std::string_view field) const;
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view field) const;

private:
    std::map<std::string, std::string, std::less<>> fields_;
};

}  // namespace headroom::inspect
