// SPDX-License-Identifier: Apache-2.0
#include "chat/sessions/session_gate.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace headroom::chat {

namespace {

constexpr std::string_view cookie_name = "headroom_session";
constexpr std::string_view cookie_rules = "; Path=/; HttpOnly; SameSite=Lax; Max-Age=";
constexpr std::string_view cookie_lifetime = "31536000";  // seconds

std::string_view cookie_of(const http::request& asked) {
    auto rest = asked.header("cookie").value_or(std::string_view{});
    while (!rest.empty()) {
        const auto end = rest.find(';');
        auto pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        while (pair.starts_with(' '))
            pair.remove_prefix(1);
        if (pair.starts_with(cookie_name) && pair.substr(cookie_name.size()).starts_with('='))
            return pair.substr(cookie_name.size() + 1);
    }
    return {};
}

}  // namespace

void entered_session::mark(http::response& answer) const {
    if (!is_new) return;
    answer.headers.emplace_back("Set-Cookie", std::string(cookie_name) + '=' + of.token +
                                                  std::string(cookie_rules) +
                                                  std::string(cookie_lifetime));
}

std::expected<entered_session, http::response> enter_session(const session_signer& signer,
                                                             const http::request& asked) {
    bool is_cookie = false;
    auto token = asked.query_value("session_id").value_or(std::string_view{});
    if (token.empty()) token = asked.header("x-session-id").value_or(std::string_view{});
    if (token.empty()) {
        token = cookie_of(asked);
        is_cookie = true;
    }
    if (token.empty()) return entered_session{.of = signer.make(), .is_new = true};

    auto verified = signer.verify(token);
    if (verified) return entered_session{.of = std::move(*verified)};
    auto refused = http::error_response(401, "invalid_session",
                                        "the session is not one of ours: begin a new one by "
                                        "leaving session_id out");
    if (is_cookie)
        refused.headers.emplace_back(
            "Set-Cookie", std::string(cookie_name) + '=' + std::string(cookie_rules) + '0');
    return std::unexpected(std::move(refused));
}

std::optional<http::response> refuse_foreign_origin(const http::request& asked) {
    const auto site = asked.header("sec-fetch-site");
    const bool is_foreign_site = site && *site != "same-origin" && *site != "none";
    const auto origin = asked.header("origin");
    const auto host = asked.header("host").value_or(std::string_view{});
    const bool is_foreign_origin = origin && *origin != "http://" + std::string(host) &&
                                   *origin != "https://" + std::string(host);
    if (!is_foreign_site && !is_foreign_origin) return std::nullopt;
    return http::error_response(403, "foreign_origin", "only pages of this service may do this");
}

}  // namespace headroom::chat
