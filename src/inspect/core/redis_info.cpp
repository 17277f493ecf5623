// SPDX-License-Identifier: Apache-2.0
#include "inspect/core/redis_info.hpp"

#include <charconv>

namespace headroom::inspect {

redis_info redis_info::parse(std::string_view text) {
    redis_info parsed;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto colon = line.find(':');
        if (line.starts_with('#') || colon == std::string_view::npos) continue;
        parsed.fields_.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
    return parsed;
}

std::optional<std::string_view> redis_info::text(std::string_view field) const {
    const auto found = fields_.find(field);
    if (found == fields_.end()) return std::nullopt;
    return found->second;
}

std::optional<std::uint64_t> redis_info::number(std::string_view field) const {
    const auto found = text(field);
    if (!found) return std::nullopt;
    std::uint64_t parsed = 0;
    const auto* const end = found->data() + found->size();
    const auto [at, fault] = std::from_chars(found->data(), end, parsed);
    if (fault != std::errc{} || at != end) return std::nullopt;
    return parsed;
}

}  // namespace headroom::inspect
