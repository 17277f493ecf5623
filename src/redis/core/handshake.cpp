// SPDX-License-Identifier: Apache-2.0
#include "redis/core/handshake.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace headroom::redis {

namespace {

bool starts_with_any(std::string_view text, std::span<const std::string_view> words) {
    return std::ranges::any_of(words,
                               [text](std::string_view word) { return text.starts_with(word); });
}

// Servers before 6.0, and proxies, do not know HELLO; some know it but not version 3.
bool means_no_resp3(const value& reply) {
    constexpr auto words =
        std::to_array<std::string_view>({"ERR unknown command", "NOPROTO", "ERR Protocol version"});
    return reply.is_error() && starts_with_any(reply.text, words);
}

bool is_about_credentials(std::string_view message) {
    constexpr auto words = std::to_array<std::string_view>(
        {"NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR Client sent AUTH",
         "ERR AUTH <password> called without any password"});
    return starts_with_any(message, words);
}

// The server's words for a log. One that does not know a command repeats its arguments, and those
// of AUTH are the credentials.
std::string without_secrets(std::string_view words, std::string_view password) {
    words = words.substr(0, words.find(", with args beginning with"));
    std::string shown;
    for (;;) {
        const auto at = password.empty() ? std::string_view::npos : words.find(password);
        shown += words.substr(0, at);
        if (at == std::string_view::npos) return printable_excerpt(shown, 200);
        shown += "***";
        words.remove_prefix(at + password.size());
    }
}

}  // namespace

handshake::handshake(handshake_request request) : request_(std::move(request)) {
    ask_resp3();
}

void handshake::ask_resp3() {
    command hello("HELLO", 3);
    if (!request_.password.empty()) {
        hello.arg("AUTH")
            .arg(request_.username.empty() ? "default" : request_.username)
            .arg(request_.password);
    }
    if (!request_.name.empty()) hello.arg("SETNAME").arg(request_.name);
    commands_.push_back(std::move(hello));
    if (request_.database != 0) commands_.emplace_back("SELECT", request_.database);
}

void handshake::ask_resp2() {
    protocol_ = 2;
    commands_.clear();
    if (!request_.password.empty()) {
        command auth("AUTH");
        if (!request_.username.empty()) auth.arg(request_.username);
        commands_.push_back(std::move(auth.arg(request_.password)));
    }
    if (!request_.name.empty()) commands_.emplace_back("CLIENT", "SETNAME", request_.name);
    if (request_.database != 0) commands_.emplace_back("SELECT", request_.database);
    if (commands_.empty()) state_ = state::done;
}

void handshake::on_replies(std::span<const value> replies) {
    HEADROOM_ASSERT(state_ == state::asking && replies.size() == commands_.size(),
                    "one reply for each command of the handshake");
    // HELLO refused for its version has changed nothing, so the same connection may go on in RESP2.
    // After any other refusal it may have (AUTH before a bad SETNAME has taken effect): close.
    if (protocol_ == 3 && means_no_resp3(replies.front())) {
        ask_resp2();
        return;
    }
    for (std::size_t i = 0; i < replies.size(); ++i) {
        const bool is_hello = protocol_ == 3 && i == 0;
        const bool is_right = is_hello ? replies[i].kind == value_kind::map
                                       : replies[i].is_string() && replies[i].text == "OK";
        if (!is_right) {
            fail(commands_[i], replies[i]);
            return;
        }
    }
    state_ = state::done;
}

void handshake::fail(const command& at, const value& reply) {
    reason_ = std::string(at.name());
    if (at.name() == "CLIENT") reason_ += " SETNAME";
    if (!reply.is_error()) {
        reason_ += " was answered by something else than it should be: no Redis server?";
        state_ = state::failed;
        return;
    }
    reason_ += ": " + without_secrets(reply.text, request_.password);
    state_ = is_about_credentials(reply.text) ? state::rejected : state::failed;
}

}  // namespace headroom::redis
