// SPDX-License-Identifier: Apache-2.0
#include "chat/http/message.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace headroom::chat::http {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::optional<std::string_view> request::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (equal_ignoring_case(key, name)) return value;
    return std::nullopt;
}

std::optional<std::string_view> request::query_value(std::string_view name) const {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

response error_response(unsigned status, std::string_view code, std::string_view message,
                        std::optional<std::chrono::seconds> retry_after) {
    response made{.status = status, .body = {}, .headers = {}, .stream = {}};
    made.body = boost::json::serialize(
        boost::json::object{{"error", {{"code", code}, {"message", message}}}});
    made.headers.emplace_back("Cache-Control", "no-store");
    if (retry_after) made.headers.emplace_back("Retry-After", std::to_string(retry_after->count()));
    return made;
}

}  // namespace headroom::chat::http
