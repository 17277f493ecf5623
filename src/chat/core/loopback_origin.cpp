// SPDX-License-Identifier: Apache-2.0
#include "chat/core/loopback_origin.hpp"

#include <algorithm>

namespace headroom::chat {
namespace {

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
    return std::ranges::equal(a, lower, [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
    });
}

}  // namespace

bool is_loopback_host(std::string_view host_header) {
    std::string_view name = host_header;
    const std::size_t after_bracket = name.starts_with('[') ? name.find(']') : 0;
    if (after_bracket == std::string_view::npos) return false;
    if (const auto colon = name.find(':', after_bracket); colon != std::string_view::npos) {
        if (!is_port(name.substr(colon + 1))) return false;
        name = name.substr(0, colon);
    }
    return name == "127.0.0.1" || name == "[::1]" || equals_ignoring_case(name, "localhost");
}

bool is_loopback_origin(std::string_view origin_header) {
    constexpr std::string_view scheme = "http://";
    return origin_header.starts_with(scheme) &&
           is_loopback_host(origin_header.substr(scheme.size()));
}

}  // namespace headroom::chat
