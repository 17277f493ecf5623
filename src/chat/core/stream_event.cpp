// SPDX-License-Identifier: Apache-2.0
#include "chat/core/stream_event.hpp"

#include <charconv>

namespace headroom::chat {

bool is_terminal(std::string_view event_name) {
    return event_name == "chat_complete" || event_name == "chat_error" ||
           event_name == "conv_status" || event_name == "gap" || event_name == "server_shutdown";
}

std::string to_record(std::string_view name, std::string_view data) {
    std::string out;
    out.reserve(name.size() + 1 + data.size());
    out.append(name).append(1, ' ').append(data);
    return out;
}

std::optional<stream_event> parse_record(std::uint64_t number, std::string_view record) {
    const auto space = record.find(' ');
    if (space == 0 || space == std::string_view::npos || space + 1 == record.size()) {
        return std::nullopt;
    }
    // A line break would end the data in the middle of an SSE frame.
    if (record.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
    return stream_event{number, std::string(record.substr(0, space)),
                        std::string(record.substr(space + 1))};
}

std::optional<std::vector<stream_event>> parse_message(std::string_view payload) {
    std::vector<stream_event> events;
    while (!payload.empty()) {
        const auto line = payload.substr(0, payload.find('\n'));
        payload.remove_prefix(line.size() == payload.size() ? line.size() : line.size() + 1);

        std::uint64_t number = 0;
        const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
        const auto digits = static_cast<std::size_t>(end - line.data());
        if (code != std::errc{} || digits >= line.size() || line[digits] != ' ') {
            return std::nullopt;
        }
        auto event = parse_record(number, line.substr(digits + 1));
        if (!event) return std::nullopt;
        events.push_back(std::move(*event));
    }
    return events;
}

}  // namespace headroom::chat
