// SPDX-License-Identifier: Apache-2.0
#include "chat/http/target.hpp"

namespace headroom::chat::http {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// In a query, '+' is a blank (as forms write it); in a path it is itself.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        char c = text[at];
        if (c == '%') {
            const int high = text.size() - at > 2 ? hex_digit(text[at + 1]) : -1;
            const int low = text.size() - at > 2 ? hex_digit(text[at + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            at += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0') return std::nullopt;
        out.push_back(c);
    }
    return out;
}

}  // namespace

std::optional<target> parse_target(std::string_view text) {
    if (!text.starts_with('/')) return std::nullopt;
    const auto mark = text.find('?');
    auto path = percent_decoded(text.substr(0, mark), false);
    if (!path) return std::nullopt;
    target parsed{.path = std::move(*path), .query = {}};
    if (mark == std::string_view::npos) return parsed;

    auto rest = text.substr(mark + 1);
    while (!rest.empty()) {
        const auto end = rest.find('&');
        const auto pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        auto name = percent_decoded(pair.substr(0, equals), true);
        auto value = percent_decoded(
            equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
        if (!name || !value) return std::nullopt;
        parsed.query.emplace_back(std::move(*name), std::move(*value));
    }
    return parsed;
}

}  // namespace headroom::chat::http
