// SPDX-License-Identifier: Apache-2.0
// Which handler answers which method and path. Not what it answers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/http/message.hpp"

namespace headroom::chat::http {

class router {
public:
    // `parameter` is what stood in the place of the pattern's "*", empty where there is none.
    using route_handler =
        std::function<boost::asio::awaitable<response>(request, std::string parameter)>;

    // A pattern is a path, or a path of which one segment is "*": any one segment, not empty.
    void add(std::string method, std::string pattern, route_handler answer);

    // 404 for a path nobody has, 405 with Allow for a method nobody has there. HEAD is answered as
    // GET is.
    [[nodiscard]] boost::asio::awaitable<response> answer(request asked) const;

private:
    struct route {
        std::string method;
        std::string pattern;
        route_handler answer;
    };
    std::vector<route> routes_;
};

}  // namespace headroom::chat::http
