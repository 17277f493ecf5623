// SPDX-License-Identifier: Apache-2.0
#include "chat/http/response_head.hpp"

#include <fmt/format.h>

#include <string_view>

#include "chat/core/time_text.hpp"

namespace headroom::chat::http {

namespace {

std::string_view reason_of(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

// A line end inside a value would begin a header of somebody else's making.
bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

std::string response_head(const response& of, head_options options) {
    auto head = fmt::format("HTTP/1.1 {} {}\r\n", of.status, reason_of(of.status));
    if (options.date) head += fmt::format("Date: {}\r\n", to_http_date(*options.date));
    const bool has_content = of.status != 204 && of.status != 304;
    if (has_content) head += fmt::format("Content-Type: {}\r\n", of.content_type);
    if (has_content && !options.is_stream)
        head += fmt::format("Content-Length: {}\r\n", of.body.size());
    for (const auto& [name, value] : of.headers)
        if (is_one_line(name) && is_one_line(value)) head += fmt::format("{}: {}\r\n", name, value);
    head += "X-Content-Type-Options: nosniff\r\n";
    if (options.closes) head += "Connection: close\r\n";
    head += "\r\n";
    return head;
}

}  // namespace headroom::chat::http
