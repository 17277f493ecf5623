// SPDX-License-Identifier: Apache-2.0
// A request as a handler sees it and the response it gives back. Not how either looks on the wire.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace headroom::chat::http {

using name_and_value = std::pair<std::string, std::string>;

struct request {
    std::string method;                   // "GET"
    std::string path;                     // percent-decoded, begins with '/'
    std::vector<name_and_value> query;    // decoded, in the order they came
    std::vector<name_and_value> headers;  // in the order they came
    std::string body;
    std::string peer;  // address of the other end

    // The first of that name, whatever its case.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
    // The first of that name; names are compared byte by byte.
    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;
};

// The open end of a response that is written piece by piece.
class body_writer {
public:
    body_writer() = default;
    body_writer(const body_writer&) = delete;
    body_writer& operator=(const body_writer&) = delete;
    virtual ~body_writer() = default;

    // Fails when the peer is gone, or has not taken the bytes by `by`.
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> write(std::string bytes,
                                                                     deadline by) = 0;
    // `told` runs on the event loop, once, when the peer goes away or the server is stopped by
    // force; at once when that has happened already.
    virtual void on_close(std::function<void()> told) = 0;
};

struct response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<name_and_value> headers;

    // When set, `body` is not looked at: the head is sent, then this runs to its end, then the
    // connection is closed. What it captures must live by itself.
    std::function<boost::asio::awaitable<void>(body_writer&)> stream;
};

using handler = std::function<boost::asio::awaitable<response>(request)>;

// {"error":{"code":...,"message":...}}, with Retry-After where trying again can help.
[[nodiscard]] response error_response(unsigned status, std::string_view code,
                                      std::string_view message,
                                      std::optional<std::chrono::seconds> retry_after = {});

}  // namespace headroom::chat::http
