// SPDX-License-Identifier: Apache-2.0
// One event of a session as it is stored, published and written to SSE streams.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::chat {

struct stream_event {
    std::uint64_t number = 0;  // the SSE id; rises within a session, contiguous within an epoch
    std::string name;  // chat_start, chat_delta, chat_complete, chat_error, conv_status, gap
    std::string data;  // one line of JSON
    bool operator==(const stream_event&) const = default;
};

// One that has no number yet: the relay gives it.
struct outgoing_event {
    std::string name;  // visible ASCII
    std::string data;  // one line of JSON
};

// Ends something a person waits for: never dropped for a slow stream.
[[nodiscard]] bool is_terminal(std::string_view event_name);

// "name json", the form in the history and inside a published message.
[[nodiscard]] std::string to_record(std::string_view name, std::string_view data);
[[nodiscard]] std::optional<stream_event> parse_record(std::uint64_t number,
                                                       std::string_view record);

// A published message: one "number record" a line. Empty when it is not of that form.
[[nodiscard]] std::optional<std::vector<stream_event>> parse_message(std::string_view payload);

}  // namespace headroom::chat
