// SPDX-License-Identifier: Apache-2.0
#include "chat/gateway/page_routes.hpp"

#include <string>
#include <utility>

namespace headroom::chat {

namespace {

constexpr const char* content_policy =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

http::response give(const page_file& file, const http::request& asked) {
    http::response made;
    made.content_type = std::string(file.content_type);
    made.headers = {{"Cache-Control", "no-cache"},
                    {"ETag", std::string(file.etag)},
                    {"Content-Security-Policy", content_policy},
                    {"Referrer-Policy", "no-referrer"},
                    {"X-Frame-Options", "DENY"}};
    const auto known = asked.header("if-none-match").value_or(std::string_view{});
    if (!file.etag.empty() && (known == "*" || known.contains(file.etag)))
        made.status = 304;
    else
        made.body = std::string(file.body);
    return made;
}

boost::asio::awaitable<http::response> give_later(page_file file, http::request asked) {
    co_return give(file, asked);
}

}  // namespace

void add_page_routes(http::router& routes, const std::vector<page_file>& files) {
    for (const auto& file : files) {
        auto answer = [file](http::request asked, std::string) {
            return give_later(file, std::move(asked));
        };
        routes.add("GET", std::string(file.path), std::move(answer));
    }
}

}  // namespace headroom::chat
