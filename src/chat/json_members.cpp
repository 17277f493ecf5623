// SPDX-License-Identifier: Apache-2.0
#include "chat/json_members.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/system/error_code.hpp>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

constexpr std::size_t shown_name_bytes_max = 40;

bool has_control(std::string_view text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; });
}

std::optional<std::uint64_t> whole_number(const json::value& of) {
    if (of.is_uint64()) return of.get_uint64();
    if (of.is_int64() && of.get_int64() >= 0) return static_cast<std::uint64_t>(of.get_int64());
    return std::nullopt;
}

}  // namespace

json_members::json_members(const json::object& from, std::string path)
    : from_(from), path_(std::move(path)) {}

std::string json_members::name_of(std::string_view member) const {
    return path_.empty() ? std::string(member) : fmt::format("{}.{}", path_, member);
}

void json_members::refuse(std::string what) {
    if (!fault_) fault_ = std::move(what);
}

void json_members::refuse(std::string_view member, std::string_view what) {
    refuse(fmt::format("{} {}", name_of(member), what));
}

const json::value* json_members::take(std::string_view name) {
    asked_for_.push_back(name);
    return from_.if_contains(name);
}

const json::value* json_members::demand(std::string_view name) {
    const json::value* found = take(name);
    if (found == nullptr) refuse(name, "is missing");
    return found;
}

bool json_members::has(std::string_view name) {
    return take(name) != nullptr;
}

std::string json_members::wrong_in(const json::value& what, text_rule within) {
    const json::string* text = what.if_string();
    if (text == nullptr) return "must be text";
    if (text->size() > within.bytes_max)
        return fmt::format("must have at most {} bytes", within.bytes_max);
    if (text->size() < within.bytes_min) return "must not be empty";
    if (!within.may_have_nul && std::string_view(*text).contains('\0'))
        return "must not contain a NUL";
    if (!within.may_have_controls && has_control(*text))
        return "must not contain control characters";
    return {};
}

std::string json_members::text(std::string_view name, text_rule within) {
    const json::value* found = demand(name);
    if (found == nullptr) return {};
    if (const std::string wrong = wrong_in(*found, within); !wrong.empty()) {
        refuse(name, wrong);
        return {};
    }
    return std::string(found->get_string());
}

std::uint64_t json_members::number(std::string_view name, number_rule within) {
    const json::value* found = demand(name);
    if (found == nullptr) return 0;
    const auto number = whole_number(*found);
    if (!number || *number < within.min || *number > within.max) {
        refuse(name, fmt::format("must be a whole number from {} to {}", within.min, within.max));
        return 0;
    }
    return *number;
}

bool json_members::flag(std::string_view name) {
    const json::value* found = demand(name);
    if (found == nullptr) return false;
    if (!found->is_bool()) {
        refuse(name, "must be true or false");
        return false;
    }
    return found->get_bool();
}

const json::object* json_members::object(std::string_view name) {
    const json::value* found = demand(name);
    if (found == nullptr) return nullptr;
    if (!found->is_object()) refuse(name, "must be an object");
    return found->if_object();
}

const json::array* json_members::array(std::string_view name, std::size_t size_max) {
    const json::value* found = demand(name);
    if (found == nullptr) return nullptr;
    const json::array* elements = found->if_array();
    if (elements == nullptr || elements->size() > size_max) {
        refuse(name, fmt::format("must be an array of at most {} elements", size_max));
        return nullptr;
    }
    return elements;
}

std::optional<std::string> json_members::fault() const {
    if (fault_) return fault_;
    for (const auto& member : from_) {
        if (std::ranges::find(asked_for_, std::string_view(member.key())) != asked_for_.end())
            continue;
        return fmt::format("{} is no member that is known",
                           name_of(printable_excerpt(member.key(), shown_name_bytes_max)));
    }
    return std::nullopt;
}

result<json::object> parse_json_line(std::string_view line, std::string_view what,
                                     std::size_t bytes_max, std::size_t depth_max) {
    const auto refused = [&](std::string_view why) {
        return failure(std::make_error_code(std::errc::bad_message),
                       fmt::format("{} {}", what, why));
    };
    if (line.size() > bytes_max) return refused(fmt::format("is longer than {} bytes", bytes_max));
    if (!is_utf8(line)) return refused("is not UTF-8");
    boost::system::error_code ec;
    json::value parsed = json::parse(line, ec, {}, {.max_depth = depth_max});
    if (ec == json::error::too_deep)
        return refused(fmt::format("is nested deeper than {} levels", depth_max));
    if (ec) return refused("is no valid JSON: " + ec.message());
    if (!parsed.is_object()) return refused("must be a JSON object");
    return std::move(parsed.get_object());
}

}  // namespace headroom::chat
