// SPDX-License-Identifier: Apache-2.0
#include "chat/gateway/chat_message.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/system/error_code.hpp>
#include <string_view>

#include "base/text.hpp"
#include "chat/core/request_rules.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

constexpr std::size_t json_depth_max = 16;

std::unexpected<http::response> refused(unsigned status, std::string_view code,
                                        const std::string& message) {
    return std::unexpected(http::error_response(status, code, message));
}

bool is_json(const http::request& asked) {
    const auto type = asked.header("content-type").value_or(std::string_view{});
    std::string name(type.substr(0, type.find(';')));
    while (name.ends_with(' '))
        name.pop_back();
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return name == "application/json";
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

}  // namespace

std::optional<http::response> refuse_other_than_json(const http::request& asked) {
    if (is_json(asked)) return std::nullopt;
    return http::error_response(415, "unsupported_media_type",
                                "send Content-Type: application/json");
}

std::expected<chat_message, http::response> read_chat_message(const http::request& asked,
                                                              std::uint64_t chars_max) {
    if (auto other = refuse_other_than_json(asked)) return std::unexpected(std::move(*other));
    if (!is_utf8(asked.body)) return refused(400, "bad_json", "the body is not UTF-8");

    boost::system::error_code ec;
    const auto parsed = json::parse(asked.body, ec, {}, {.max_depth = json_depth_max});
    if (ec) return refused(400, "bad_json", "the body is no valid JSON: " + ec.message());
    const auto* body = parsed.if_object();
    const auto* message_value = body != nullptr ? body->if_contains("message") : nullptr;
    const auto* message = message_value != nullptr ? message_value->if_object() : nullptr;
    const auto* text_value = message != nullptr ? message->if_contains("text") : nullptr;
    const auto* text = text_value != nullptr ? text_value->if_string() : nullptr;
    if (text == nullptr || is_blank(std::string_view(*text)))
        return refused(400, "missing_text",
                       R"(the body must be {"message":{"text":"..."}} with a text)");

    chat_message read{.text = std::string(*text), .conversation_id = {}};
    if (count_code_points(read.text) > chars_max)
        return refused(400, "message_too_long",
                       "a message has at most " + std::to_string(chars_max) + " characters");
    if (!is_utf8(read.text) || read.text.contains('\0'))
        return refused(400, "text_rejected", "the text holds what is no character");

    const auto* id = message->if_contains("conversation_id");
    if (id == nullptr || id->is_null()) return read;
    if (!id->is_string()) return refused(400, "bad_conversation_id", "conversation_id is a string");
    if (id->get_string().empty()) return read;
    read.conversation_id = std::string(id->get_string());
    if (!is_conversation_id(*read.conversation_id))
        return refused(404, "no_such_conversation", "there is no such conversation");
    return read;
}

}  // namespace headroom::chat
