// SPDX-License-Identifier: Apache-2.0
#include "chat/http/router.hpp"

#include <optional>
#include <set>
#include <utility>

namespace headroom::chat::http {

namespace {

std::optional<std::string> match(std::string_view pattern, std::string_view path) {
    const auto star = pattern.find("/*");
    if (star == std::string_view::npos)
        return pattern == path ? std::optional(std::string{}) : std::nullopt;
    const auto prefix = pattern.substr(0, star + 1);
    const auto suffix = pattern.substr(star + 2);
    if (path.size() < prefix.size() + suffix.size() || !path.starts_with(prefix) ||
        !path.ends_with(suffix))
        return std::nullopt;
    const auto segment = path.substr(prefix.size(), path.size() - prefix.size() - suffix.size());
    if (segment.empty() || segment.contains('/')) return std::nullopt;
    return std::string(segment);
}

std::string allowed(const std::set<std::string>& methods) {
    std::string list;
    for (const auto& each : methods) {
        if (!list.empty()) list += ", ";
        list += each;
    }
    return list;
}

}  // namespace

void router::add(std::string method, std::string pattern, route_handler answer) {
    routes_.push_back({std::move(method), std::move(pattern), std::move(answer)});
}

boost::asio::awaitable<response> router::answer(request asked) const {
    const std::string wanted = asked.method == "HEAD" ? "GET" : asked.method;
    std::set<std::string> methods;
    for (const auto& each : routes_) {
        auto parameter = match(each.pattern, asked.path);
        if (!parameter) continue;
        if (each.method == wanted)
            co_return co_await each.answer(std::move(asked), std::move(*parameter));
        methods.insert(each.method);
        if (each.method == "GET") methods.insert("HEAD");
    }
    if (methods.empty())
        co_return error_response(404, "not_found", "there is nothing at this address");
    auto refused = error_response(405, "method_not_allowed",
                                  "this address answers " + allowed(methods) + " only");
    refused.headers.emplace_back("Allow", allowed(methods));
    co_return refused;
}

}  // namespace headroom::chat::http
