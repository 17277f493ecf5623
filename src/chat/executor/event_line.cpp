// SPDX-License-Identifier: Apache-2.0
#include "chat/executor/event_line.hpp"

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "chat/json_members.hpp"

namespace headroom::chat {

namespace json = boost::json;

namespace {

constexpr std::size_t depth_max = 8;
constexpr text_rule names{.bytes_min = 1, .bytes_max = 200};
constexpr text_rule texts{.bytes_max = event_line_bytes_max, .may_have_controls = true};

json::object read_data(json_members& from) {
    if (!from.has("data")) return {};
    const json::object* data = from.object("data");
    return data != nullptr ? *data : json::object{};
}

step read_step(json_members& from) {
    step read{.name = from.text("name", names)};
    if (from.has("status")) {
        const auto status = parse_step_status(from.text("status", {.bytes_max = 32}));
        if (!status) from.refuse("status", "must be running, completed or error");
        read.status = status.value_or(step_status::completed);
    }
    if (from.has("text")) read.text = from.text("text", texts);
    read.data = read_data(from);
    return read;
}

service_note read_note(json_members& from) {
    return {.name = from.text("name", names), .data = read_data(from)};
}

std::optional<program_event> read_event(std::string_view type, json_members& from) {
    if (type == "step") return read_step(from);
    if (type == "service") return read_note(from);
    from.refuse("type", "must be step or service");
    return std::nullopt;
}

}  // namespace

result<program_event> parse_event_line(std::string_view line) {
    const auto parsed = parse_json_line(line, "it", event_line_bytes_max, depth_max);
    if (!parsed) return std::unexpected(parsed.error());
    json_members members(*parsed, {});
    const std::string type = members.text("type", {.bytes_max = 32});
    auto event = read_event(type, members);
    if (auto wrong = members.fault())
        return failure(std::make_error_code(std::errc::bad_message), std::move(*wrong));
    return std::move(*event);
}

}  // namespace headroom::chat
